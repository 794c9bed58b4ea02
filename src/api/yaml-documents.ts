/**
 * Reads YAML from strangers. Plain JSON values come out, each with its place in the text; everything that could make a
 * reader slow, ambiguous or unsafe is refused with a line number: more than 1 MiB, deep nesting, alias bombs, custom
 * tags, duplicate keys, keys that are not scalars, keys that reach into JavaScript's prototypes.
 */
import { Composer, type Document, Lexer, LineCounter, Parser } from 'yaml';
import { MAX_VALUES, PlainReader, ReadProblem } from './yaml-values.ts';

/** Most bytes of one input. */
export const MAX_INPUT_BYTES = 1_048_576;
/** Deepest nesting; a PodSpec needs about a dozen levels. */
export const MAX_DEPTH = 100;
/** Most documents, their directives and ends counted as well. */
export const MAX_DOCUMENTS = 2_000;
const MAX_PROBLEMS = 20;
// A text of 1 MiB that people write has half as many.
const MAX_LEXEMES = 500_000;
const BETWEEN_DOCUMENTS = ['comment', 'newline', 'space'];

/** What the lexer puts before each plain or quoted value. */
const SCALAR_FOLLOWS = '\u001f';
const TOO_DEEP = { code: 'TOO_DEEP', rule: `the nesting is deeper than ${MAX_DEPTH} levels`, remedy: 'Remove levels.' };
const TOO_MANY = {
  code: 'TOO_MANY_VALUES',
  rule: `there are more than ${MAX_VALUES} values`,
  remedy: 'Split it into several files.',
};

const TOO_MANY_DOCUMENTS = {
  code: 'TOO_MANY_DOCUMENTS',
  rule: `there are more than ${MAX_DOCUMENTS} documents`,
  remedy: 'Split it into several files.',
};

/** A place in the text, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something that keeps the text from being read. */
export interface YamlProblem extends Position {
  readonly code: string;
  readonly path: readonly (string | number)[];
  readonly rule: string;
  readonly remedy: string;
}

/** One document of the text. */
export interface YamlDocument extends Position {
  readonly value: unknown;
  /** Where the field of that path stands, or the nearest parent that does. */
  locate(path: readonly (string | number)[]): Position;
  /** Plain scalars that older YAML readers, kubectl's among them, take for something else. */
  readonly ambiguous: readonly { readonly path: readonly (string | number)[]; readonly readAs: string }[];
}

/** What a text holds: the documents that could be read, and why others could not. */
export interface YamlText {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly YamlProblem[];
}

/** Reads all documents of a text. Never throws for any text. */
export function readYaml(text: string): YamlText {
  if (Buffer.byteLength(text) > MAX_INPUT_BYTES) return { documents: [], problems: [tooLarge()] };
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const parsed = parse(text, lines);
  if ('refused' in parsed)
    return { documents: [], problems: [{ ...position(parsed.at), path: [], ...parsed.refused }] };
  const documents: YamlDocument[] = [];
  const problems: YamlProblem[] = [];
  for (const document of parsed.documents) readDocument(document, position, documents, problems);
  return { documents, problems: problems.slice(0, MAX_PROBLEMS) };
}

type Refusal = Pick<YamlProblem, 'code' | 'rule' | 'remedy'>;
type Parsed = { readonly documents: Document.Parsed[] } | { readonly refused: Refusal; readonly at: number };

/** Goes token by token, because composing a document of any depth or size would exhaust the stack or take long. */
function parse(text: string, lines: LineCounter): Parsed {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let at = 0;
  let scalars = 0;
  let lexemes = 0;
  let documents = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (!BETWEEN_DOCUMENTS.includes(token.type)) documents++;
    }
    if (lexeme === SCALAR_FOLLOWS) scalars++;
    else at += lexeme.length;
    lexemes++;
    if (parser.stack.length > MAX_DEPTH) return { refused: TOO_DEEP, at };
    if (scalars > MAX_VALUES || lexemes > MAX_LEXEMES) return { refused: TOO_MANY, at };
    if (documents > MAX_DOCUMENTS) return { refused: TOO_MANY_DOCUMENTS, at };
  }
  for (const token of parser.end()) tokens.push(token);
  // Duplicate keys are found by our own reader, in linear time.
  const composer = new Composer({ uniqueKeys: false, schema: 'core', merge: false, prettyErrors: false });
  return { documents: [...composer.compose(tokens, false, text.length)] };
}

function readDocument(
  document: Document.Parsed,
  position: (offset: number) => Position,
  documents: YamlDocument[],
  problems: YamlProblem[],
): void {
  const broken = [...document.errors, ...document.warnings];
  for (const { pos, message, code } of broken.slice(0, MAX_PROBLEMS)) {
    const remedy = code === 'TAG_RESOLVE_FAILED' ? 'Remove the tag.' : 'Correct the YAML there.';
    problems.push({ ...position(pos[0]), code: 'YAML', path: [], rule: `the YAML cannot be read: ${message}`, remedy });
  }
  if (broken.length > 0 || document.contents === null) return;
  const reader = new PlainReader();
  try {
    const value = reader.read(document.contents);
    const place = (path: readonly (string | number)[]) =>
      position(reader.offsetOf(value, path) ?? firstOffset(document));
    documents.push({ value, ...position(firstOffset(document)), locate: place, ambiguous: reader.ambiguous });
  } catch (error) {
    if (!(error instanceof ReadProblem)) throw error;
    problems.push({
      ...position(error.offset),
      code: error.code,
      path: error.path,
      rule: error.rule,
      remedy: error.remedy,
    });
  }
}

function firstOffset(document: Document.Parsed): number {
  return document.contents?.range?.[0] ?? document.range[0];
}

function tooLarge(): YamlProblem {
  const rule = `the input is larger than ${MAX_INPUT_BYTES} bytes`;
  return { line: 1, column: 1, code: 'TOO_LARGE', path: [], rule, remedy: 'Split it into several files.' };
}
