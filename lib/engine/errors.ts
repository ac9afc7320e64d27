// TensorFlow's errors in one sentence each.

/**
 * What went wrong while a compiled function ran.
 * @param name of the function
 * @param error TensorFlow's, which stays as the cause
 */
export function failureOf(name: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`${name}: ${sentenceOf(message)}`, { cause: error });
}

function sentenceOf(message: string): string {
  const label = /label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)/.exec(message);
  if (label) return `label ${label[1]}; expected 0 to ${Number(label[2]) - 1}, for logits of ${label[2]} classes.`;
  const size = /OOM when allocating tensor with shape\[([\d,]*)\]/.exec(message);
  if (size) return `there is not enough memory for a tensor of shape [${size[1]}]: take a smaller batch.`;
  // The first line, without the names of the graph's nodes.
  const [line] = message.replace(/^.*? with error: /s, '').split('\n');
  return `TensorFlow says: ${line.replace(/\{\{node (\w+?)_?\d*\}\}/g, '$1').trim()}`;
}
