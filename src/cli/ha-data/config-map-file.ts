/** Reads ConfigMaps from a file as kubectl writes it, JSON or YAML, within limits. */
import { Lexer, parseAllDocuments } from 'yaml';
import { type ConfigMapShape, configMapsIn, FlinkDataError } from '../../flink/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { nestsDeeperThan } from '../../lib/json-nesting.ts';
import type { CliIo } from '../command.ts';
import { manifestFiles } from '../manifest-files.ts';

/** Sixteen ConfigMaps of the largest size there is. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A ConfigMap of Flink's has about sixty. */
const MOST_YAML_TOKENS = 200_000;
const MOST_ALIASES = 100;
/** `data` stands five levels deep in a list of lists. */
const MOST_LEVELS = 64;
const LONGEST_REASON = 300;
const SUFFIXES = /\.(?:ya?ml|json)$/;

/** @throws FlinkDataError FLINK_CONFIG_MAPS_MALFORMED for everything that is no list of ConfigMaps */
export async function configMapsInFile(file: string, io: CliIo): Promise<ConfigMapShape[]> {
  const found: ConfigMapShape[] = [];
  for await (const read of manifestFiles([file], MOST_BYTES, io, SUFFIXES)) {
    if ('error' in read) throw malformed(read.name, read.error);
    for (const each of configMapsIn(parsed(read.text, read.name), read.name)) found.push(each);
  }
  return found;
}

function parsed(text: string, name: string): unknown {
  // Documents of JSON between lines of `---` are YAML.
  const isJson = /^\s*[{[]/.test(text) && !/^---/m.test(text);
  try {
    if (!isJson) return yamlDocuments(text, name);
    if (nestsDeeperThan(text, MOST_LEVELS)) throw malformed(name, `it is nested more than ${MOST_LEVELS} levels deep`);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof FlinkDataError) throw error;
    const [reason = ''] = messageOf(error).split('\n', 1);
    throw malformed(name, `it is no ${isJson ? 'JSON' : 'YAML'}: ${reason.slice(0, LONGEST_REASON)}`);
  }
}

/** Aliases are few, and tokens are counted first: a small text can stand for a large document. */
function yamlDocuments(text: string, name: string): unknown[] {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MOST_YAML_TOKENS)
      throw malformed(name, `it has more than ${MOST_YAML_TOKENS} tokens; give it as JSON`);
  }
  const documents = parseAllDocuments(text)
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
    })
    .filter((document) => document !== null);
  if (documents.length === 0) throw malformed(name, 'it is empty');
  return documents;
}

function malformed(name: string, reason: string): FlinkDataError {
  return new FlinkDataError('FLINK_CONFIG_MAPS_MALFORMED', name, reason);
}
