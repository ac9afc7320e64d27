// Chromium, for the tests that look at JupyterLab as a user does.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);

/** Why tests that need Chromium are skipped; false where there is one. */
export const noChromium = executablePath
  ? false
  : 'there is no Chromium: install it (Debian: apt install chromium), or name it by CHROMIUM=/path/to/chromium';

export function launchChromium(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  return chromium.launch({ executablePath, args: [...args, '--disable-sync'] });
}
