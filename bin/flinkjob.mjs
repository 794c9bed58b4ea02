#!/usr/bin/env node
// Runs the flinkjob command from the sources of a checkout. The installed package runs dist/main.js instead.
import { start } from '../src/main.ts';

await start();
