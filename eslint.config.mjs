import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The folders of the library, from the bottom up: each may import what stands lower, not what stands beside or above it. */
const LAYERS = [
  ['util'],
  ['engine', 'charts'],
  ['data'],
  ['models'],
  ['training'],
  ['interpret', 'checkpoint', 'runs'],
  ['kernel'],
  ['notebook'],
];

const layerRules = LAYERS.flatMap((folders, height) =>
  folders.map((folder) => {
    const foreign = LAYERS.slice(height)
      .flat()
      .filter((name) => name !== folder);
    const patterns = foreign.map((name) => ({
      group: [`../${name}/*`, `../../${name}/*`],
      message: `lib/${folder} does not stand on lib/${name}: see LAYERS in eslint.config.mjs.`,
    }));
    if (!['kernel', 'notebook'].includes(folder))
      patterns.push({ group: ['tslab/*'], message: 'Only lib/kernel and lib/notebook know the kernel.' });
    return { files: [`lib/${folder}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
  }),
);

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/node_modules/',
    '.venv/',
    '.setup/',
    'lib/engine/native/index.d.ts',
    'lib/kernel/types/',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // node:test's `test` returns a promise that nobody awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'describe', 'it'] }] },
      ],
    },
  },
  ...layerRules,
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
  {
    // Runs in JupyterLab's page.
    files: ['lib/kernel/extension/**/*.js'],
    languageOptions: {
      sourceType: 'script',
      globals: {
        document: 'readonly',
        window: 'readonly',
        structuredClone: 'readonly',
        ResizeObserver: 'readonly',
        MutationObserver: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
      },
    },
  },
  {
    files: ['lib/engine/native/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'readonly', process: 'readonly' },
    },
  },
);
