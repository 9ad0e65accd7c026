// What a program shows on a terminal, as a picture (SVG) for a page.

/** What the demo sends: to the first line, erasures, other modes; and ends of lines and text. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const STEP = /\x1b\[(\??\d*)([HJKhl])|\r|\n|[^\x1b\r\n]+/g;

/**
 * Every screen that was complete: a drawing of the demo ends by erasing what is below, and
 * with the program it leaves the terminal's second screen.
 * @param output all that the program has written to its terminal
 * @returns the lines of each screen, from the first to the last
 */
export function screensOf(output) {
  const screens = [];
  const lines = [''];
  let row = 0;
  let column = 0;
  for (const [step, count, move] of output.matchAll(STEP)) {
    if (step === '\r') column = 0;
    else if (step === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (move === 'H') row = column = 0;
    else if (move === 'K') lines[row] = count === '2' ? '' : lines[row].slice(0, column);
    else if (move === 'h' || move === 'l') {
      if (count === '?1049' && move === 'l') break;
    } else if (move === 'J' && count === '2') lines.fill('');
    else if (move === 'J') {
      lines.length = row + 1;
      lines[row] = lines[row].slice(0, column);
      screens.push(lines.map((line) => line.trimEnd()));
    } else {
      const line = lines[row].padEnd(column);
      lines[row] = line.slice(0, column) + step + line.slice(column + step.length);
      column += step.length;
    }
  }
  return screens;
}

const CELL = 8.4;
const LINE = 19;
const MARGIN = 18;
const BAR = 30;

const COLOURS = {
  paper: '#16191f',
  bar: '#262b34',
  text: '#d5dae3',
  up: '#7fd18c',
  down: '#f2b45c',
};

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const colourOf = (line) => {
  if (line.startsWith(' ▲')) return COLOURS.up;
  // A setting, and the notes about it.
  return line.startsWith(' ▼') || /^\d\d:\d\d:\d\d +(▼|in force|ack)/.test(line)
    ? COLOURS.down
    : COLOURS.text;
};

/**
 * A window of a terminal with these lines.
 * @param options.title what stands in the bar of the window
 * @param options.description for those who do not see the picture
 * @returns the text of an SVG file
 */
export function pictureOf(lines, { title, description }) {
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * CELL) + 2 * MARGIN;
  const height = BAR + lines.length * LINE + 2 * MARGIN - 6;
  // Each line gets the length of its cells: fonts differ in the width of an arrow.
  const text = lines.flatMap((line, index) => {
    if (line === '') return [];
    const y = BAR + MARGIN + 10 + index * LINE;
    const length = (line.length * CELL).toFixed(1);
    return `<text x="${MARGIN}" y="${y}" fill="${colourOf(line)}" textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escaped(line)}</text>`;
  });
  const dots = ['#e0605a', '#e5b34a', '#63b95e'].map(
    (fill, index) => `<circle cx="${MARGIN + index * 18}" cy="${BAR / 2}" r="5.5" fill="${fill}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(description)}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${COLOURS.paper}"/>`,
    `<path d="M0 ${BAR}V8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${BAR - 8}z" fill="${COLOURS.bar}"/>`,
    ...dots,
    `<text x="${width / 2}" y="${BAR / 2 + 5}" text-anchor="middle" fill="#9aa3b2" font-size="13">${escaped(title)}</text>`,
    ...text,
    '</svg>',
    '',
  ].join('\n');
}
