/** Renders docs/reference/flinkjob.md from the schema; `--check` fails when the file differs. */
import { flinkJobNode, renderReference } from '../src/api/index.ts';
import { renderFile } from './rendered-file.ts';

const path = new URL('../docs/reference/flinkjob.md', import.meta.url);
await renderFile(path, renderReference(flinkJobNode()), 'scripts/render-reference.ts', process.argv.slice(2));
