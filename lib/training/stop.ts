import type { TrainOptions } from './options';

/** That a run is to end after the current batch. */
export interface StopRequest {
  readonly signal: AbortSignal;
  /** Call it when the run has ended and saved: a SIGTERM that came then does its work. */
  done(): void;
}

/**
 * A run ends when its caller's signal says so; one with checkpoints also when the process is asked to end (SIGTERM), which
 * happens as soon as it has saved: a shell sees exit status 143. Asked twice, as npm and a terminal do between them, it
 * saves all the same.
 */
export function stopRequest({ signal, checkpoint }: Pick<TrainOptions, 'signal' | 'checkpoint'>): StopRequest {
  const controller = new AbortController();
  let terminated = false;
  const abort = () => controller.abort();
  const terminate = () => {
    terminated = true;
    abort();
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  if (checkpoint) process.on('SIGTERM', terminate);
  return {
    signal: controller.signal,
    done() {
      signal?.removeEventListener('abort', abort);
      process.off('SIGTERM', terminate);
      if (terminated && process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
    },
  };
}
