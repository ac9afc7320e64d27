// What the user sees of set-up: a line a step with its time, and a bar on large downloads.

const terminal = process.stdout.isTTY;

/**
 * Announces a step, runs it, and closes its line with the time that it took.
 * @param {string} title
 * @param {(bar: (done: number, total: number) => void) => Promise<unknown>} body
 */
export async function reportStep(title, body) {
  const start = performance.now();
  process.stdout.write(terminal ? `… ${title}` : `${title} …`);
  try {
    await body(makeBar(title));
  } catch (error) {
    process.stdout.write('\n');
    throw error;
  }
  const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`;
  process.stdout.write(terminal ? `\r\x1b[K✓ ${title} (${seconds})\n` : ` ${seconds}\n`);
}

function makeBar(title) {
  let tenths = 0;
  return (done, total) => {
    const share = total > 0 ? Math.min(done / total, 1) : 0; // a server may tell less than it sends
    if (terminal) {
      const filled = Math.round(share * 30);
      const megabytes = `${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`;
      process.stdout.write(`\r\x1b[K… ${title}  ${'█'.repeat(filled)}${'░'.repeat(30 - filled)}  ${megabytes}`);
    } else if (Math.floor(share * 10) > tenths) {
      tenths = Math.floor(share * 10);
      process.stdout.write(` ${tenths * 10} %`);
    }
  };
}
