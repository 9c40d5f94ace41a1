// What a command printed, as a picture of a terminal: one SVG file that needs no font, script or style from elsewhere, and is
// readable on a dark page and on a light one because it brings its own background.

const FONT = "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'Liberation Mono', monospace";
const FONT_SIZE_PX = 13;
/** Wide enough for the widest of these fonts; a narrower one leaves a margin. */
const COLUMN_WIDTH_PX = 7.9;
const LINE_HEIGHT_PX = 19;
const PADDING_PX = 18;
const TITLE_BAR_PX = 30;
const COLUMNS_MIN = 60;

const COLOR = {
  background: '#12181f',
  border: '#2c3640',
  title: '#1b232c',
  button: '#4a5560',
  text: '#d5dde5',
  heading: '#7cc4ff',
  time: '#ffd479',
  good: '#8fdc9a',
};

/** Colours of a line, by what it looks like: the first that fits. */
const STYLES: readonly (readonly [RegExp, string])[] = [
  [/^\$ /, COLOR.good],
  [/^\d+\. /, COLOR.heading],
  [/^All of it was seen/, COLOR.good],
];
const TIME = /\b\d+(?:\.\d+)? ms\b/g;

/** @param output as it was printed, without control sequences */
export function terminalPicture(command: string, output: string): string {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')];
  const columns = Math.max(COLUMNS_MIN, ...lines.map((line) => line.length));
  const width = Math.ceil(columns * COLUMN_WIDTH_PX + 2 * PADDING_PX);
  const height = TITLE_BAR_PX + 2 * PADDING_PX + lines.length * LINE_HEIGHT_PX;
  const text = lines.map((line, i) => {
    const y = TITLE_BAR_PX + PADDING_PX + FONT_SIZE_PX + i * LINE_HEIGHT_PX;
    return `  <text x="${PADDING_PX}" y="${y}"${fillOf(line)}>${withTimes(line)}</text>`;
  });
  const buttons = [0, 1, 2].map(
    (i) =>
      `  <circle cx="${PADDING_PX + 4 + i * 18}" cy="${TITLE_BAR_PX / 2}" r="5" fill="${COLOR.button}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal with what ${escaped(command)} prints">
  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${COLOR.background}" stroke="${COLOR.border}"/>
  <path d="M1 ${TITLE_BAR_PX}V9a8 8 0 0 1 8-8h${width - 18}a8 8 0 0 1 8 8v${TITLE_BAR_PX - 9}z" fill="${COLOR.title}"/>
${buttons.join('\n')}
  <g font-family="${FONT}" font-size="${FONT_SIZE_PX}" fill="${COLOR.text}" xml:space="preserve">
${text.join('\n')}
  </g>
</svg>
`;
}

function fillOf(line: string): string {
  const color = STYLES.find(([pattern]) => pattern.test(line))?.[1];
  return color === undefined ? '' : ` fill="${color}"`;
}

/** Spaces are kept also by programs that do not know `xml:space`. */
const withTimes = (line: string): string =>
  escaped(line)
    .replaceAll(' ', '\u00a0')
    .replaceAll(
      new RegExp(TIME.source.replace(' ms', '\u00a0ms'), 'g'),
      (time) => `<tspan fill="${COLOR.time}">${time}</tspan>`,
    );

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
