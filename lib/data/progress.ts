import { duration } from '../util/format';
import type { Progress } from '../util/download';

/** One line that is written over and over, in a terminal or below a notebook's cell. */
export function progressLine(title: string, write = (text: string): void => void process.stdout.write(text)) {
  const start = { time: performance.now(), received: NaN };
  let [width, written] = [0, -Infinity];
  return {
    onProgress(this: void, { received, total }: Progress): void {
      const now = performance.now();
      if (!(received >= start.received)) Object.assign(start, { time: now, received }); // the first, or a new start
      if (now - written < 250 && received < total) return;
      written = now;
      const speed = (received - start.received) / (now - start.time); // bytes per ms
      const left = received < total && speed > 0 ? `, ${speedText(speed)}, ${duration((total - received) / speed / 1000)} left` : '';
      const line = `${title}  ${megabytes(received)} of ${megabytes(total)} MB (${Math.floor((received / total) * 100)} %)${left}`;
      write(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    /** Ends the line, if there is one. */
    end(this: void): void {
      if (width > 0) write('\n');
      width = 0;
    },
  };
}

const megabytes = (n: number): string => (n / 1e6).toFixed(1);
const speedText = (speed: number): string => `${(speed / 1000).toFixed(speed < 1000 ? 2 : 1)} MB/s`;
