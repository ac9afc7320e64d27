// Runs, made up, and the table in which they are compared.
import { compareRuns, type EpochRecord, type Run } from 'cifar10';
import { traces } from '../charts/figures';
import { type Figure } from 'cifar10/charts';

/** Epochs with these test accuracies; training is 0.25 better. */
export const historyOf = (...accuracies: number[]) => ({
  stopped: false,
  epochs: accuracies.map((accuracy, i): EpochRecord => {
    const common = { type: 'epoch', epochs: accuracies.length, lr: 0.1, imagesPerSecond: 1, bestBy: 'test' } as const;
    const scores = { train: { loss: 1, accuracy: accuracy + 0.25 }, test: { loss: 2, accuracy } };
    return { ...common, epoch: i + 1, ...scores, seconds: 1.5 };
  }),
});
export const none = historyOf();

export const rowsOf = (runs: Run[]) => compareRuns(runs).table;

/** The curves of a figure, without the key that its legend begins with. */
export const curves = (figure: Figure) => traces(figure).filter(({ xaxis }) => xaxis);
