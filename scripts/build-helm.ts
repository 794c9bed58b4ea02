/** Builds the pinned Helm into .tools/, for the tests of the chart. */
import { findProgram } from '../test/rendering/programs.ts';

const found = await findProgram('helm', { build: true, say: (line) => console.log(line) });
if ('missing' in found) {
  console.error(found.missing);
  process.exitCode = 1;
} else {
  console.log(found.path);
}
