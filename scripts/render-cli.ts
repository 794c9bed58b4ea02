/** Renders docs/cli.md from the declarations of the commands; `--check` fails when the file differs. */
import { COMMANDS } from '../src/cli/index.ts';
import { cliDocument } from '../src/cli/reference/cli-document.ts';
import { declarationsOf } from '../src/cli/reference/declarations.ts';
import { renderFile } from './rendered-file.ts';

const path = new URL('../docs/cli.md', import.meta.url);
await renderFile(path, cliDocument(declarationsOf(COMMANDS)), 'scripts/render-cli.ts', process.argv.slice(2));
