// What a run leaves in a notebook, made fit to be committed.
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { root } from './paths.mjs';

/** Outputs that are read; others, such as images, are left as they are. */
const TEXTS = ['text/plain', 'text/html'];

/**
 * Takes out what belongs to this run and this machine: times, ids, and the folders that the project and the data lie in,
 * which are named by their last part. Lines printed one after another become one output.
 * @param {{ cells: object[] }} notebook is changed
 * @param {{ folders?: string[], home?: string }} [options] default: those of this machine
 * @returns {string | null} what is wrong, if something is: an output that names a folder of the user's home
 */
export function cleanOutputs(
  notebook,
  { folders = [process.env.CIFAR10_DIR, root].filter(Boolean), home = homedir() } = {},
) {
  const clean = (text) =>
    folders.reduce((text, path) => text.replaceAll(path, () => basename(path)), [text].flat().join(''));
  for (const cell of notebook.cells) {
    cell.metadata = {}; // times of this run
    if (cell.cell_type !== 'code') continue;
    cell.outputs = joinStreams(cell.outputs);
    for (const output of cell.outputs) {
      delete output.metadata?.display_id; // of the kernel that ran it
      const places = output.output_type === 'stream' ? [[output, 'text']] : TEXTS.map((type) => [output.data, type]);
      for (const [place, key] of places) {
        if (place?.[key] === undefined) continue;
        const text = clean(place[key]);
        place[key] = text.split(/(?<=\n)/);
        if (home !== '/' && text.includes(home)) return describe(cell, text, home);
      }
    }
  }
  return null;
}

function describe({ source }, text, home) {
  const line = text.split('\n').find((line) => line.includes(home));
  return `An output names a folder below ${home}: “${line}”. It is of the cell\n${[source].flat().join('')}`;
}

/** Lines printed one after another, as one output. */
function joinStreams(outputs) {
  return outputs.reduce((joined, output) => {
    const last = joined.at(-1);
    if (output.output_type !== 'stream' || last?.name !== output.name) return [...joined, output];
    last.text = [last.text, output.text].flat();
    return joined;
  }, []);
}
