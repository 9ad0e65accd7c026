/**
 * SIOT's own page in a real browser: Debian's chromium, or the one that
 * CHROMIUM names. What people see is in docs/siot.md, 4.9: a node of a type
 * that the page does not know is a table of its points, with a field for the
 * number and one for the text of each.
 */
import { existsSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { atEnd } from './harness.js';
import { isReal, whyNot, type Version } from './siot-server.js';
import { SLOWNESS } from '../support/slowness.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** The tests have nothing but this machine: what the page wants from elsewhere (fonts) is not found. */
const CHROMIUM_ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** What a fresh SIOT lets in. */
const USER = 'admin';
const PASSWORD = 'admin';

/** Why the page of a version cannot be shown here; `undefined`: it can. */
export function whyNoPage(version: Version): string | undefined {
  if (!isReal) return 'SIOT_BIN names no SIOT, and the stand-in has no page';
  if (!existsSync(CHROMIUM)) return `there is no chromium at ${CHROMIUM} (CHROMIUM names another)`;
  return whyNot(version);
}

/** The page, signed in; it ends with the test. */
export class SiotPage {
  private constructor(private readonly page: Page) {}

  static async open(url: string): Promise<SiotPage> {
    // Where no page can be shown it is not loaded either.
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS });
    atEnd(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    page.setDefaultTimeout(10_000 * SLOWNESS);
    await page.goto(url);
    await page.getByLabel('Email').fill(USER);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByText('Sign In', { exact: true }).click();
    await page.getByText(`sign out ${USER}`).waitFor();
    return new SiotPage(page);
  }

  /** Opens the node of this type and description, wherever it is in the tree. */
  async openNode(type: string, description: string): Promise<void> {
    const dot = this.page.locator('[role=button]:has(circle)');
    const node = this.page
      .locator('div')
      .filter({ has: this.page.getByText(`Node type: ${type}`, { exact: true }) })
      .filter({ has: this.page.getByText(description, { exact: true }) })
      .filter({ has: dot })
      .last();
    const closed = this.page.locator('[role=button]:has(polyline[points="9 18 15 12 9 6"])');
    for (;;) {
      await node.or(closed).first().waitFor();
      if (await node.isVisible()) break;
      await this.#click(closed.first());
    }
    await this.#click(node.locator(dot));
  }

  /**
   * Until the page has asked SIOT for its nodes, as every 4 s. That is the tick of the
   * clock by which it stamps what people edit: until the next, all edits carry one time.
   */
  async tick(): Promise<void> {
    await this.#nodesAsked();
    await this.#drawn();
  }

  /** As after a visit elsewhere: what is shown comes from SIOT, no edit of the page's own. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.getByText(`sign out ${USER}`).waitFor();
  }

  /** Types `value` into the number's field of a point, and saves by Enter. */
  async edit(type: string, value: string): Promise<void> {
    const field = this.#field(type);
    await field.fill(value);
    const saved = this.page.waitForResponse(
      (response) => response.request().method() === 'POST' && response.url().endsWith('/points'),
    );
    // It asks for its nodes after each save too; that is no tick.
    const asked = saved.then(() => this.#nodesAsked());
    await Promise.all([asked, field.press('Enter')]);
    await this.#drawn();
  }

  /** What the number's field of a point shows. */
  shown(type: string): Promise<string> {
    return this.#field(type).inputValue();
  }

  async #click(target: Locator): Promise<void> {
    await target.click();
    await this.#drawn();
  }

  /** The page draws what has changed in the next frame. */
  async #drawn(): Promise<void> {
    await this.page.evaluate(
      'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))',
    );
  }

  async #nodesAsked(): Promise<void> {
    const response = await this.page.waitForResponse(
      (one) => one.request().method() === 'GET' && one.url().endsWith('/v1/nodes'),
    );
    await response.finished();
  }

  /** The number's, in the row of a point; the next is the text's. */
  #field(type: string): Locator {
    return this.page.locator(
      `xpath=//div[normalize-space(.)="${type}:0"]/following-sibling::div[1]//input`,
    );
  }
}
