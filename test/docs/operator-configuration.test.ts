import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configurationDocument } from '../../src/cli/reference/configuration-document.ts';
import { OPERATOR_SETTINGS, readOperatorConfig } from '../../src/config/index.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';
import { codeBlocks } from './markdown.ts';

const PAGE = 'docs/reference/operator-configuration.md';
const hasDefault = ({ fallback }: { fallback: string | undefined }) => fallback !== undefined;

test('the page is what the declarations say', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(configurationDocument(OPERATOR_SETTINGS));
});

test('the file of the page can be read, also with its remarks, and holds the defaults', async () => {
  const [shown] = codeBlocks(PAGE).filter(({ language }) => language === 'yaml');
  const read = async (lines: readonly string[]) => {
    const file = join(aTemporaryDirectory(), 'operator.yaml');
    writeFileSync(file, lines.join('\n'));
    return readOperatorConfig({ flags: {}, environment: {}, file });
  };
  const { config, effective } = await read(shown?.lines ?? []);
  expect(config).toEqual((await readOperatorConfig({ flags: {}, environment: {} })).config);
  expect(Object.keys(effective)).toEqual(OPERATOR_SETTINGS.filter(hasDefault).map(({ key }) => key));
  const all = await read((shown?.lines ?? []).map((line) => line.replace('# ', '')));
  expect(all.config.namespaces).toEqual(['flights', 'payments']);
  expect(Object.keys(all.effective)).toEqual(OPERATOR_SETTINGS.map(({ key }) => key));
});
