import { duration } from '../util/duration';
import type { Progress } from './download';

export interface ProgressLine {
  readonly onProgress: (progress: Progress) => void;
  /** Ends the line, if there is one. */
  readonly end: () => void;
}

/** One line that is written over and over, in a terminal or below a notebook's cell. */
export function progressLine(title: string, write: (text: string) => void = writeToStdout): ProgressLine {
  let width = 0;
  let written = -Infinity;
  return {
    onProgress(progress) {
      const now = performance.now();
      if (now - written < 250 && progress.received < progress.total) return;
      written = now;
      const line = `${title}  ${describeProgress(progress)}`;
      write(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    end() {
      if (width > 0) write('\n');
      width = 0;
    },
  };
}

/** "12.3 of 170.1 MB (7 %), 1.2 MB/s, 2 min 11 s left" */
export function describeProgress({ received, total, bytesPerSecond, secondsLeft }: Progress): string {
  const done = `${megabytes(received)} of ${megabytes(total)} MB (${Math.floor((received / total) * 100)} %)`;
  if (received >= total || !Number.isFinite(secondsLeft)) return done;
  return `${done}, ${(bytesPerSecond / 1e6).toFixed(bytesPerSecond < 1e6 ? 2 : 1)} MB/s, ${duration(secondsLeft)} left`;
}

function megabytes(n: number): string {
  return (n / 1e6).toFixed(1);
}

function writeToStdout(text: string): void {
  process.stdout.write(text);
}
