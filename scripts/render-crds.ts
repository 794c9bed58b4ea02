/** Renders crds/flinkjobs.flinkjob.dev.yaml from the schema; `--check` fails when the file differs. */
import { CRD_NAME, flinkJobNode, renderCrd } from '../src/api/index.ts';
import { renderFile } from './rendered-file.ts';

const path = new URL(`../crds/${CRD_NAME}.yaml`, import.meta.url);
await renderFile(path, renderCrd(flinkJobNode()), 'scripts/render-crds.ts', process.argv.slice(2));
