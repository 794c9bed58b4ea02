/** Renders config/rbac/, manifests/ and charts/; `--check` fails when a file in place is not what would be written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderedArgoCd } from './manifests/argocd.ts';
import { renderedChart } from './manifests/chart.ts';
import { renderedManifests } from './manifests/files.ts';
import { renderedRoles } from './manifests/roles.ts';
import { renderFile } from './rendered-file.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

const write = async (files: ReadonlyMap<string, string>): Promise<void> => {
  for (const [path, content] of files) {
    await renderFile(
      new URL(`../${path}`, import.meta.url),
      content,
      'scripts/render-manifests.ts',
      process.argv.slice(2),
    );
  }
};

// Roles first: they are read again as part of config/.
await write(renderedRoles());
await write(renderedManifests(join(root, 'config')));
await write(renderedArgoCd(join(root, 'config')));
await write(renderedChart(join(root, 'config'), version));
