/** Markup, to be shown as such: see `html`. */
export interface Html {
  readonly html: string;
}

/** Markup from a template. Values are escaped, unless they are markup themselves or a list of it. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return { html: String.raw({ raw: strings.raw }, ...values.map(markup)) };
}

function markup(value: unknown): string {
  if (Array.isArray(value)) return value.map(markup).join('');
  if (typeof value === 'object' && value !== null && 'html' in value) return String(value.html);
  return escape(String(value));
}

const escape = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[character]};`);

/** The text of markup, without its tags. */
export const plainText = (markup: string): string =>
  markup
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
