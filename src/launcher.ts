#!/usr/bin/env node
/**
 * What the installed package runs as `flinkjob`: looks whether this Node.js will do before anything is loaded that an older
 * one cannot even read. Nothing else belongs here, and no other import at the top.
 */
import { nodeTooOld } from './lib/node-version.ts';

const problem = nodeTooOld(process.versions.node, process.execPath);
if (problem === undefined) {
  // What a pod runs is no command for people, and does without theirs.
  if (process.argv[2] === 'run-job') await import('./cli/run-job/entry.ts');
  else await (await import('./main.ts')).start();
} else {
  process.stderr.write(`error: ${problem}\n`);
  process.exitCode = 1;
}
