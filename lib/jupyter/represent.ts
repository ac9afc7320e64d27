import type { Figure } from '../charts/theme';
import type { Picture } from '../charts/picture';

/** A table as danfojs's DataFrame has it. */
export interface Table {
  readonly columns: readonly (string | number)[];
  readonly index: readonly (string | number)[];
  readonly values: unknown;
  /** As text, drawn with characters. */
  toString(): string;
}

/** Markup, to be shown as such: see `html`. */
export interface Html {
  readonly html: string;
}

/** Markup, and what a page that knows better shows in its place, by media type. */
export interface View extends Html {
  readonly view: Readonly<Record<string, object>>;
}

export type Showable = Figure | Picture | Table | Html | View | string;

/** One thing as several media types; whoever shows it takes the richest that it knows. */
export interface Representation {
  readonly data: { readonly 'text/plain': string; readonly [mimeType: string]: unknown };
  readonly metadata: { readonly [mimeType: string]: unknown };
}

/**
 * @throws TypeError on what can't be shown
 */
export function represent(value: Showable): Representation {
  if (typeof value === 'string') return { data: { 'text/plain': value }, metadata: {} };
  if (isTable(value)) return { data: { 'text/html': tableHtml(value), 'text/plain': value.toString() }, metadata: {} };
  if ('html' in value) return markupOrView(value);
  if ('png' in value) return picture(value);
  if ('layout' in value && Array.isArray(value.data)) return chart(value);
  throw new TypeError(
    `a chart, a picture, a DataFrame, html\`…\` or text can be shown; this is ${Object.prototype.toString.call(value)}`,
  );
}

/** Markup from a template; what is put in is escaped, unless it is markup itself or a list of it. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return { html: String.raw({ raw: strings.raw }, ...values.map(markup)) };
}

function markup(value: unknown): string {
  if (Array.isArray(value)) return value.map(markup).join('');
  if (typeof value === 'object' && value !== null && 'html' in value) return String(value.html);
  return escape(String(value));
}

function markupOrView(value: Html | View): Representation {
  const better = 'view' in value ? value.view : {};
  return { data: { ...better, 'text/html': value.html, 'text/plain': plainText(value.html) }, metadata: {} };
}

function chart({ data, layout }: Figure): Representation {
  const names = data.flatMap((trace) => ('name' in trace ? [String(trace.name)] : []));
  const text = `Chart${names.length ? `: ${[...new Set(names)].join(', ')}` : ''}`;
  return { data: { 'application/vnd.plotly.v1+json': { data, layout }, 'text/plain': text }, metadata: {} };
}

function picture({ png, width, height }: Picture): Representation {
  return {
    data: { 'image/png': Buffer.from(png).toString('base64'), 'text/plain': `Picture of ${width} × ${height} pixels` },
    metadata: { 'image/png': { width, height } },
  };
}

function tableHtml({ columns, index, values }: Table): string {
  const rows = values as readonly (readonly unknown[])[];
  const cell = (value: unknown) =>
    html`<td style="text-align: ${isNumber(value) ? 'right' : 'left'}">${format(value)}</td>`;
  return html`<table>
    <thead>
      <tr>
        <th></th>
        ${columns.map((name) => html`<th>${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row, i) =>
          html`<tr>
            <th>${index[i]}</th>
            ${row.map(cell)}
          </tr>`,
      )}
    </tbody>
  </table>`.html;
}

const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint';

/** Whole numbers with thousands marked, others to four places; what is missing as a dash. */
function format(value: unknown): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (isNumber(value)) return (value as number).toLocaleString('en', { maximumFractionDigits: 4 });
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const isTable = (value: object): value is Table => 'columns' in value && 'index' in value && 'values' in value;

const escape = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[character]};`);

const plainText = (markup: string) =>
  markup
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
