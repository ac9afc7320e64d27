import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs, {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bestCheckpoint, type Damage, latestCheckpoint, listCheckpoints } from 'cifar10/checkpoint';
import { openCheckpoints } from 'cifar10/checkpoint';
import { readSafetensors } from 'cifar10/util';
import { assertWhole, contentOf, corruptEverywhere, damageOnce, noDamage, saveTwo } from './checkpoints';
import { temporaryFolder, smallDisk } from '../project';

const ordinalsOf = (folder: string) => listCheckpoints(folder, noDamage).map(({ ordinal }) => ordinal);

test('an empty folder, and one that does not exist, have no checkpoint', (t) => {
  const folder = temporaryFolder(t);
  assert.equal(latestCheckpoint(folder), undefined);
  assert.equal(bestCheckpoint(join(folder, 'none')), undefined);
  assert.deepEqual(listCheckpoints(join(folder, 'none')), []);
});

test('what was saved comes back, bit for bit', (t) => {
  const folder = join(temporaryFolder(t), 'a', 'b');
  const store = openCheckpoints(folder);
  const weights = new Map([['w', { shape: [4], data: Float32Array.of(NaN, -0, 1e-45, Infinity) }]]);
  const entry = store.save({ ...contentOf(1), weights, metadata: { format: 'pt', epoch: '3' } });
  store.close();
  const latest = latestCheckpoint(folder, noDamage);
  assert.deepEqual(latest?.weights, weights);
  assert.ok(Object.is(latest?.weights.get('w')?.data[1], -0));
  assert.equal(latest?.ordinal, 1);
  assert.equal(latest?.weightsFile, entry.weightsFile);
  assert.equal(readSafetensors(entry.weightsFile).metadata.epoch, '3');
});

test('the newest two and the best are kept, and nothing else', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder);
  const kept = Array.from({ length: 12 }, (_, i) => {
    store.save(contentOf(i + 1));
    return ordinalsOf(folder);
  });
  assert.deepEqual(kept.slice(0, 8), [[1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [5, 6, 7], [5, 7, 8]]);
  assert.deepEqual(kept[11], [10, 11, 12]);
  assert.equal(assertWhole(store.latest(noDamage)), 12);
  assert.equal(assertWhole(store.best(noDamage)), 10);
  store.close();
  assert.equal(readdirSync(folder).length, 9);
});

test('as many are kept as is asked for', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder, { keep: 4 });
  for (let step = 1; step <= 9; step++) store.save(contentOf(step));
  assert.deepEqual(ordinalsOf(folder), [5, 6, 7, 8, 9]);
  for (const keep of [0, 1.5, NaN])
    assert.throws(() => openCheckpoints(folder, { keep }), /keep: .*; expected a whole/);
});

test('a clock set back changes nothing: the order is that of the numbers', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder);
  for (const [step, year] of [2026, 1999, 1970].entries()) {
    t.mock.method(Date, 'now', () => Date.UTC(year, 1));
    store.save(contentOf(step + 1));
  }
  store.close();
  assert.deepEqual(ordinalsOf(folder), [2, 3]);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 0, name.includes('00000003') ? 0 : 2e9);
  const latest = latestCheckpoint(folder, noDamage);
  assert.equal(latest?.savedAt, '1970-02-01T00:00:00.000Z');
  assert.equal(assertWhole(latest), 3);
});

test('a changed byte anywhere is detected, and the checkpoint before is used', (t) => {
  const tried = corruptEverywhere(temporaryFolder(t), 150);
  assert.ok(tried >= 400, `${tried} tried`);
  t.diagnostic(`${tried} corruptions of ${tried} detected`);
});

test('a file cut short, lengthened, emptied or replaced by zeros is detected', (t) => {
  const folder = temporaryFolder(t);
  let tried = 0;
  for (const name of saveTwo(folder, 100)) {
    const { length } = readFileSync(join(folder, name));
    const lengths = [0, 1, 7, 8, 9, length >> 2, length >> 1, length - 9, length - 8, length - 1];
    const changes: ((bytes: Buffer) => Uint8Array)[] = [
      ...lengths.map((end) => (bytes: Buffer) => bytes.subarray(0, end)),
      (bytes) => Buffer.concat([bytes, Buffer.from(' ')]),
      (bytes) => Buffer.concat([bytes, bytes]),
      (bytes) => bytes.fill(0),
      (bytes) => bytes.fill(0, length >> 1),
    ];
    for (const change of changes) damageOnce(folder, name, change, 100);
    tried += changes.length;
  }
  t.diagnostic(`${tried} of ${tried} detected`);
});

test('a missing file, a folder or a pipe in its place are detected', (t) => {
  const folder = temporaryFolder(t);
  for (const name of saveTwo(folder, 100).filter((name) => name.endsWith('.safetensors'))) {
    const file = join(folder, name);
    renameSync(file, `${file}.away`);
    for (const put of [() => {}, () => mkdirSync(file), () => execFileSync('mkfifo', [file])]) {
      put();
      const damages: Damage[] = [];
      assert.equal(assertWhole(latestCheckpoint(folder, { onDamage: (damage) => damages.push(damage) }), 100), 1);
      assert.deepEqual(
        damages.map(({ ordinal }) => ordinal),
        [2],
      );
      assert.match(damages[0].message, /\.safetensors cannot be used: it is (missing|no file)\.$/);
      rmSync(file, { recursive: true, force: true });
    }
    renameSync(`${file}.away`, file);
  }
});

test('damage is told of on the console unless somebody listens; all damaged is an error, not a new start', (t) => {
  const folder = temporaryFolder(t);
  const [manifest] = saveTwo(folder, 100);
  truncateSync(join(folder, manifest), 50);
  const warnings = t.mock.method(console, 'warn', () => {});
  assert.equal(assertWhole(latestCheckpoint(folder), 100), 1);
  assert.equal(warnings.mock.callCount(), 1);
  truncateSync(join(folder, 'checkpoint-00000001.state.safetensors'), 50);
  assert.throws(
    () => latestCheckpoint(folder, { onDamage: () => {} }),
    /No checkpoint in .* can be used\.\n.*00000002\.json .*damaged.*\n.*00000001\.state.* has 50 bytes; expected \d+.*\nTo start anew/,
  );
});

test('where only the best is damaged, the error points to the others', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder);
  const { ordinal } = store.save({ ...contentOf(1), best: true });
  store.save(contentOf(2));
  store.close();
  assert.equal(ordinal, 1);
  const quiet = { onDamage: () => {} };
  truncateSync(join(folder, 'checkpoint-00000001.weights.safetensors'), 50);
  assert.throws(
    () => bestCheckpoint(folder, quiet),
    /The best checkpoint in .* can't be used\.\n.*has 50 bytes.*\nThere are others/,
  );
  assert.equal(latestCheckpoint(folder, quiet)?.ordinal, 2);
});

test('a disk that fails to read for a moment costs no checkpoint', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder, { keep: 1 });
  store.save({ ...contentOf(1), best: true });
  store.save({ ...contentOf(2), best: false });
  const { readFileSync } = fs;
  const failing = t.mock.method(fs, 'readFileSync', (file: string) => {
    if (!file.endsWith('00000001.json') && !file.endsWith('00000002.json')) return readFileSync(file);
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  });
  const damages: Damage[] = [];
  assert.throws(
    () => store.latest({ onDamage: (damage) => damages.push(damage) }),
    /No checkpoint .* can be used[^]*EIO/,
  );
  assert.deepEqual(
    damages.map(({ isLasting }) => isLasting),
    [false, false],
  );
  store.save({ ...contentOf(3), best: false });
  failing.mock.restore();
  assert.deepEqual(ordinalsOf(folder), [1, 2, 3]);
  store.save({ ...contentOf(4), best: false });
  assert.deepEqual(ordinalsOf(folder), [1, 4]);
  store.close();
});

test('a store that was closed saves no more, and leaves the folder to others', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder);
  store.close();
  assert.throws(() => store.save(contentOf(1)), { name: 'SaveError', message: /was closed: open it again/ });
  assert.deepEqual(readdirSync(folder), []);
});

test('a file system that cannot sync folders is no reason not to save', (t) => {
  const folder = temporaryFolder(t);
  const { fsyncSync } = fs;
  t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    if (fs.fstatSync(descriptor).isDirectory()) throw Object.assign(new Error('EINVAL: fsync'), { code: 'EINVAL' });
    fsyncSync(descriptor);
  });
  const store = openCheckpoints(folder);
  store.save(contentOf(1));
  store.close();
  assert.equal(latestCheckpoint(folder, noDamage)?.ordinal, 1);
});

test('a damaged checkpoint does not count as one of those kept', (t) => {
  const folder = temporaryFolder(t);
  saveTwo(folder, 5_000);
  truncateSync(join(folder, 'checkpoint-00000002.weights.safetensors'), 50);
  const store = openCheckpoints(folder);
  assert.equal(assertWhole(store.latest({ onDamage: () => {} })), 1);
  store.save(contentOf(3));
  store.close();
  assert.deepEqual(ordinalsOf(folder), [1, 3]);
  assert.equal(readdirSync(folder).length, 6);
});

/** A manifest of a hostile hand: its sha256 is right. */
function forge(folder: string, change: (manifest: Record<string, unknown>) => unknown): void {
  const file = join(folder, 'checkpoint-00000002.json');
  const { manifest } = JSON.parse(readFileSync(file, 'utf8')) as { manifest: Record<string, unknown> };
  const changed = change(manifest);
  const text = typeof changed === 'string' ? changed : JSON.stringify(changed ?? manifest);
  const sha256 = createHash('sha256').update(text).digest('hex');
  writeFileSync(file, `{"sha256":"${sha256}","manifest":${text}}\n`);
}

type Files = { weights: Record<string, unknown>; state: Record<string, unknown> };
const filesOf = (manifest: Record<string, unknown>) => manifest.files as Files;

const hostile: { what: string; change: (manifest: Record<string, unknown>) => unknown; error: RegExp }[] = [
  {
    what: 'a path that climbs out',
    change: (m) => void (filesOf(m).weights.name = '../../etc/passwd'),
    error: /files\.weights\.name is "\.\.\/\.\.\/etc\/passwd"; expected checkpoint-00000002\.weights\.safetensors/,
  },
  {
    what: 'an absolute path',
    change: (m) => void (filesOf(m).state.name = '/dev/zero'),
    error: /files\.state\.name is "\/dev\/zero"/,
  },
  {
    what: "another checkpoint's file",
    change: (m) => void (filesOf(m).state.name = 'checkpoint-00000001.state.safetensors'),
    error: /files\.state\.name/,
  },
  {
    what: 'a name that is no text',
    change: (m) => void (filesOf(m).state.name = {}),
    error: /files\.state\.name is \{\}/,
  },
  { what: 'a huge size', change: (m) => void (filesOf(m).state.size = 1e300), error: /files\.state\.size is 1e\+300/ },
  { what: 'a size below 0', change: (m) => void (filesOf(m).state.size = -1), error: /files\.state\.size is -1/ },
  { what: 'another size', change: (m) => void (filesOf(m).state.size = 1e12), error: /bytes; expected 1000000000000/ },
  {
    what: 'a short hash',
    change: (m) => void (filesOf(m).state.sha256 = 'abc'),
    error: /files\.state\.sha256 is "abc"/,
  },
  { what: 'no files', change: (m) => void delete m.files, error: /files is undefined; expected an object/ },
  { what: 'files in a list', change: (m) => void (m.files = []), error: /files is \[\]; expected an object/ },
  { what: 'another number', change: (m) => void (m.ordinal = 1), error: /ordinal is 1; expected 2/ },
  { what: 'a huge number', change: (m) => void (m.ordinal = 1e308), error: /ordinal is 1e\+308; expected 2/ },
  { what: 'a number in a text', change: (m) => void (m.ordinal = '2'), error: /ordinal is "2"; expected 2/ },
  { what: 'best that is no answer', change: (m) => void (m.best = 'yes'), error: /best is "yes"/ },
  { what: 'a time that is none', change: (m) => void (m.savedAt = 5), error: /savedAt is 5/ },
  { what: 'info that is no object', change: (m) => void (m.info = null), error: /info is null/ },
  { what: 'another format', change: (m) => void (m.format = 'keras'), error: /no manifest/ },
  {
    what: '__proto__ in its info',
    change: (m) => JSON.stringify(m).replace('"info":{', '"info":{"__proto__":{"step":1},'),
    error: /__proto__/,
  },
  { what: 'brackets without end', change: () => `{"a":${'['.repeat(1e6)}}`, error: /cannot be used/ },
  { what: 'two objects', change: () => '{},"x":{}', error: /cannot be used/ },
];

for (const { what, change, error } of hostile) {
  test(`a manifest with ${what} is refused, and the checkpoint before is used`, (t) => {
    const folder = temporaryFolder(t);
    saveTwo(folder, 100);
    forge(folder, change);
    const damages: Damage[] = [];
    assert.equal(assertWhole(latestCheckpoint(folder, { onDamage: (damage) => damages.push(damage) }), 100), 1);
    assert.match(damages[0].message, error);
    assert.equal(({} as Record<string, unknown>).step, undefined);
  });
}

test('a checkpoint of a later version is neither passed over nor removed', (t) => {
  const folder = temporaryFolder(t);
  saveTwo(folder, 100);
  forge(folder, (manifest) => void (manifest.version = 2));
  assert.throws(() => latestCheckpoint(folder), /00000002\.json cannot be used: its version is 2; this cifar10 reads/);
  const store = openCheckpoints(folder);
  for (let step = 3; step < 9; step++) store.save(contentOf(step));
  store.close();
  assert.ok(existsSync(join(folder, 'checkpoint-00000002.weights.safetensors')));
});

test('info that JSON would lose is refused, by name, and nothing is saved', (t) => {
  const folder = temporaryFolder(t);
  const store = openCheckpoints(folder);
  for (const lr of [NaN, Infinity, () => 0.1, 1n, Symbol('lr'), new Map([[1, 2]]), Float32Array.of(1)])
    assert.throws(() => store.save({ ...contentOf(1), info: { options: { lr } } }), /lr in a checkpoint's info is/);
  const state = new Map([['v', { shape: [2, 2], data: Float32Array.of(1) }]]);
  assert.throws(() => store.save({ ...contentOf(1), state }), /v: 1 values; expected 4 for the shape \[2, 2\]/);
  store.close();
  assert.deepEqual(readdirSync(folder), []);
});

test('what was never committed is no checkpoint, and goes with the next save', (t) => {
  const folder = temporaryFolder(t);
  saveTwo(folder, 100);
  for (const name of ['checkpoint-00000007.weights.safetensors', 'checkpoint-00000008.json.part', 'mine.txt'])
    writeFileSync(join(folder, name), 'half');
  assert.equal(latestCheckpoint(folder, noDamage)?.ordinal, 2);
  const store = openCheckpoints(folder);
  assert.equal(store.save(contentOf(3)).ordinal, 9);
  store.close();
  assert.deepEqual(ordinalsOf(folder), [2, 9]);
  assert.equal(readdirSync(folder).length, 7);
  assert.ok(existsSync(join(folder, 'mine.txt')), "others' files are left alone");
});

test('a full disk is told of; what was saved before stays, and saving goes on once there is room', (t) => {
  const folder = smallDisk(t, '110k');
  if (!folder) return t.skip('needs the right to mount');
  const store = openCheckpoints(folder);
  store.save(contentOf(1));
  store.save(contentOf(2));
  const files = readdirSync(folder);
  for (let i = 0; i < 3; i++) {
    assert.throws(() => store.save(contentOf(3)), {
      name: 'SaveError',
      code: 'ENOSPC',
      message: `The disk is full: nothing was saved in ${folder}. What was saved before is kept. Make room and try again.`,
    });
  }
  assert.deepEqual(readdirSync(folder), files);
  assert.equal(assertWhole(latestCheckpoint(folder, noDamage)), 2);
  execFileSync('mount', ['-o', 'remount,size=2m', folder]);
  assert.equal(assertWhole(openAgain(folder)), 3);

  function openAgain(folder: string) {
    store.save(contentOf(3));
    return latestCheckpoint(folder, noDamage);
  }
});

test('a folder that cannot be written can still be read', (t) => {
  const disk = smallDisk(t, '2m');
  if (!disk && process.getuid?.() === 0) return t.skip('root may write everywhere, and may not mount a disk here');
  const folder = disk ?? temporaryFolder(t);
  const store = openCheckpoints(folder);
  store.save(contentOf(1));
  if (disk) execFileSync('mount', ['-o', 'remount,ro', disk]);
  else chmodSync(folder, 0o500);
  const refusal = {
    name: 'SaveError',
    message: /cannot be written \(E\w+\)\. What was saved before is kept\. Make it/,
  };
  try {
    assert.throws(() => store.save(contentOf(2)), refusal);
    assert.throws(() => openCheckpoints(folder), refusal);
    assert.equal(assertWhole(latestCheckpoint(folder, noDamage)), 1);
  } finally {
    if (!disk) chmodSync(folder, 0o700);
  }
});

test('a file in place of the folder is told of', (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  assert.throws(() => openCheckpoints(file), { name: 'SaveError', message: /is a file, where a folder was expected/ });
});

/** A process that saves checkpoints into the folder, for as long as `during` takes. */
async function withWriter(folder: string, during: (pid: number) => void): Promise<void> {
  const child = spawn(process.execPath, [join(__dirname, 'checkpointWriter.js'), folder]);
  const ended = new Promise((done) => child.on('exit', done));
  try {
    await new Promise((done) => child.stdout.once('data', done));
    during(child.pid as number);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

test('of two processes, the second is refused while the first lives, and goes on when it has been killed', async (t) => {
  const folder = temporaryFolder(t);
  await withWriter(folder, (pid) =>
    assert.throws(() => openCheckpoints(folder), {
      name: 'SaveError',
      message: `Another training (process ${pid}) saves its checkpoints in ${folder}. End it, or name another folder.`,
    }),
  );
  const store = openCheckpoints(folder);
  const step = 1 + ((store.latest(noDamage)?.info.step as number | undefined) ?? 0);
  store.save(contentOf(step));
  assert.equal(assertWhole(store.latest(noDamage)), step);
  store.close();
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('.')));
});

test('checkpoints can be loaded while another process saves and removes', async (t) => {
  const folder = temporaryFolder(t);
  const ordinals = new Set<number>();
  await withWriter(folder, () => {
    while (ordinals.size < 10) {
      const latest = latestCheckpoint(folder, noDamage);
      if (latest) ordinals.add(assertWhole(latest));
      listCheckpoints(folder, noDamage);
    }
  });
});

test('a training started anew in the same process takes the folder over; the earlier one is told when it saves', (t) => {
  const folder = temporaryFolder(t);
  const first = openCheckpoints(folder);
  first.save(contentOf(1));
  const second = openCheckpoints(folder);
  second.save(contentOf(2));
  assert.throws(() => first.save(contentOf(9)), {
    name: 'SaveError',
    message: /Another training has taken over/,
  });
  first.close();
  second.save(contentOf(3));
  assert.equal(assertWhole(second.latest(noDamage)), 3);
  second.close();
});

test('what another training saved meanwhile stays, also when that one has ended', (t) => {
  const folder = temporaryFolder(t);
  const first = openCheckpoints(folder);
  first.save(contentOf(1));
  const second = openCheckpoints(folder);
  for (const step of [2, 3]) second.save(contentOf(step));
  second.close();
  for (const step of [8, 9]) {
    assert.throws(() => first.save(contentOf(step)), { name: 'SaveError', message: /Another training has taken over/ });
  }
  assert.equal(assertWhole(latestCheckpoint(folder, noDamage)), 3);
  first.close();
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('.')));
});

test('a folder that somebody deleted is made again', (t) => {
  const folder = join(temporaryFolder(t), 'checkpoints');
  const store = openCheckpoints(folder);
  store.save(contentOf(1));
  rmSync(folder, { recursive: true });
  store.save(contentOf(2));
  assert.equal(assertWhole(store.latest(noDamage)), 2);
});
