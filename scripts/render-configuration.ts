/** Renders docs/reference/operator-configuration.md from the declarations of the settings; `--check` fails when it differs. */
import { configurationDocument } from '../src/cli/reference/configuration-document.ts';
import { OPERATOR_SETTINGS } from '../src/config/index.ts';
import { renderFile } from './rendered-file.ts';

const path = new URL('../docs/reference/operator-configuration.md', import.meta.url);
await renderFile(
  path,
  configurationDocument(OPERATOR_SETTINGS),
  'scripts/render-configuration.ts',
  process.argv.slice(2),
);
