import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHECKPOINT_FAILURE_REASONS } from '../../src/stream/checkpoint/failure-reasons.ts';

/** The forms in which the source gives an error its code. */
const FORMS = [
  /\b(?:super|javaError|refuse|exactlyOneOf|violation|new \w*(?:Error|Exception|Problem))\(\s*'([A-Z][A-Z0-9_]*)'/g,
  /\bcode: '([A-Z][A-Z0-9_]*)'/g,
  /\bcode \?\? '([A-Z][A-Z0-9_]*)'/g,
];
/** A closed union of codes: `type StorageErrorCode = 'STORAGE_FULL' | …`. */
const UNION = /\btype \w*Code =([^;]*);/g;
const LITERAL = /'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)'/g;

const withoutComments = (source: string) =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => withoutComments(readFileSync(join('src', file), 'utf8')));

const captures = (form: RegExp, text: string) => [...text.matchAll(form)].map(([, captured = '']) => captured);

const codesOf = (source: string) => [
  ...FORMS.flatMap((form) => captures(form, source)),
  ...captures(UNION, source).flatMap((members) => captures(LITERAL, members)),
];

const thrown = new Set([...sources.flatMap(codesOf), ...CHECKPOINT_FAILURE_REASONS]);
const rows = captures(/^\| `([A-Z][A-Z0-9_]*)` \|/gm, readFileSync('docs/errors.md', 'utf8'));

const sorted = (codes: Iterable<string>) => [...codes].sort();

test('the forms in which codes are written are recognised', () => {
  const source = `
    super('A_ONE', text); class B extends javaError('B') {} throw new SomeError(
      'C_TWO', text);
    const found = { code: 'D', rule }; super(given.code ?? 'E_FIVE'); new CheckpointError(code, path);
    type WhateverCode =
      | 'F_SIX'
      | 'G_SEVEN';
    this.refuse('H_EIGHT', node); super('a sentence'); Types.refuse(value, 'BIG_INT');`;
  expect(sorted(codesOf(source))).toEqual(['A_ONE', 'B', 'C_TWO', 'D', 'E_FIVE', 'F_SIX', 'G_SEVEN', 'H_EIGHT']);
});

test('every code that the source uses has a row in docs/errors.md', () => {
  expect(sorted(thrown).filter((code) => !rows.includes(code))).toEqual([]);
});

test('every row of docs/errors.md is a code that the source uses', () => {
  expect(rows.filter((code) => !thrown.has(code))).toEqual([]);
});

test('no code has two rows', () => {
  expect(rows.filter((code, index) => rows.indexOf(code) !== index)).toEqual([]);
});

test('no code is written in a form that this test does not read', () => {
  // Words that begin like a code and are none.
  const others = ['NO_EXTERNALIZED_CHECKPOINTS'];
  const families = new Set([...thrown].filter((code) => code.includes('_')).map((code) => code.split('_', 1)[0]));
  const alike = sources
    .flatMap((source) => captures(LITERAL, source))
    .filter((literal) => literal.includes('_') && families.has(literal.split('_', 1)[0]));
  expect(sorted(new Set(alike)).filter((literal) => !thrown.has(literal) && !others.includes(literal))).toEqual([]);
});
