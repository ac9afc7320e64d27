import type { Figure } from '../charts/theme';
import type { Picture } from '../charts/images';
import { type Html, plainText } from './html';
import { isRows, isTable, type Row, type Table, tableHtml, tableOfRows, toJson } from './table';

export { html, type Html } from './html';

/** Markup, and what a page that knows a richer media type shows in its place. */
export interface View extends Html {
  readonly view: Readonly<Record<string, object>>;
}

/** What `show` takes: a chart, a picture, a table (rows of plain objects or a danfojs DataFrame), markup, or text. */
export type Displayable = Figure | Picture | Table | readonly Row[] | Html | View | string;

/** One thing as several media types; a front end shows the richest one that it knows. */
export interface MimeBundle {
  readonly data: { readonly 'text/plain': string; readonly [mimeType: string]: unknown };
  readonly metadata: { readonly [mimeType: string]: unknown };
}

/**
 * @throws TypeError on what can't be shown
 */
export function toMimeBundle(value: Displayable): MimeBundle {
  if (typeof value === 'string') return { data: { 'text/plain': value }, metadata: {} };
  if (typeof value !== 'object' || value === null) throw notDisplayable(value);
  if (isRows(value)) return value.length > 0 ? toMimeBundle(tableOfRows(value)) : toMimeBundle('No rows.');
  if (isTable(value)) return { data: { 'text/html': tableHtml(value), 'text/plain': value.toString() }, metadata: {} };
  if ('html' in value) return markupOrView(value);
  if ('png' in value) return picture(value);
  if ('layout' in value && Array.isArray(value.data)) return chart(value);
  throw notDisplayable(value);
}

const notDisplayable = (value: unknown) =>
  new TypeError(
    `cannot display ${typeof value === 'object' && value ? Object.prototype.toString.call(value) : String(value)}: ` +
      'expected a chart, a picture, a table (a DataFrame or an array of plain objects), html`…`, or text.',
  );

function markupOrView(value: Html | View): MimeBundle {
  const view = 'view' in value ? value.view : {};
  return { data: { ...view, 'text/html': value.html, 'text/plain': plainText(value.html) }, metadata: {} };
}

function chart({ data, layout }: Figure): MimeBundle {
  const names = data.flatMap((trace) => ('name' in trace ? [String(trace.name)] : []));
  const text = `Chart${names.length ? `: ${[...new Set(names)].join(', ')}` : ''}`;
  const figure = toJson({ data, layout });
  return { data: { 'application/vnd.plotly.v1+json': figure, 'text/plain': text }, metadata: {} };
}

function picture({ png, width, height }: Picture): MimeBundle {
  return {
    data: { 'image/png': Buffer.from(png).toString('base64'), 'text/plain': `Picture of ${width} × ${height} pixels` },
    metadata: { 'image/png': { width, height } },
  };
}
