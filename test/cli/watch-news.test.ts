import { describe, expect, it } from 'vitest';
import { linkNews, settingNews } from '../../src/cli/watch-news.js';
import { linkStatus, pendingSetting } from '../support/link-status.js';

const link = linkStatus('pump', { counters: { rx: 1 } });
const setting = pendingSetting();

describe('what is worth a line of watch', () => {
  it('of a link is what people are told, not what moves all the time', () => {
    const moved = { ...link, counters: { rx: 2 }, heardMs: 12 };
    expect(linkNews(moved)).toBe(linkNews(link));
    expect(linkNews({ ...link, connected: false })).not.toBe(linkNews(link));
    expect(linkNews({ ...link, portProblem: 'unplugged' })).not.toBe(linkNews(link));
    const diagnosis = {
      cause: 'text',
      heard: 'about 10 bytes/s',
      advice: 'write packets',
    } as const;
    const diagnosed = linkNews({ ...link, diagnosis });
    expect(diagnosed).not.toBe(linkNews(link));
    expect(linkNews({ ...link, diagnosis: { ...diagnosis, heard: 'about 11 bytes/s' } })).toBe(
      diagnosed,
    );
    expect(linkNews({ ...link, advice: ['set protocol: compact'] })).not.toBe(linkNews(link));
  });

  it('of a pending setting is another value or reason, not its progress', () => {
    expect(settingNews({ ...setting, progress: 'next try in 27 s' })).toBe(settingNews(setting));
    const { progress: _, ...without } = setting;
    expect(settingNews(without)).toBe(settingNews(setting));
    expect(settingNews({ ...setting, reason: 'the port is not open' })).not.toBe(
      settingNews(setting),
    );
    expect(settingNews({ ...setting, value: 4.5 })).not.toBe(settingNews(setting));
    expect(settingNews({ ...setting, deleted: true })).not.toBe(settingNews(setting));
  });
});
