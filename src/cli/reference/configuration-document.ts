/** docs/reference/operator-configuration.md: every setting of the operator, from its declaration. */
import type { NamedSetting } from '../../config/index.ts';

/** The whole document. */
export function configurationDocument(settings: readonly NamedSetting[]): string {
  const groups = new Map<string, NamedSetting[]>();
  for (const setting of settings) {
    const group = groupOf(setting);
    groups.set(group, [...(groups.get(group) ?? []), setting]);
  }
  const lines = [
    '<!-- Rendered from src/config by scripts/render-configuration.ts; edit the declarations there, then run: make crds -->',
    '# Configuration of the operator',
    '',
    'What `flinkjob operator` can be told. Each setting has a flag, a variable of the environment and a key in a file; a flag',
    'wins over a variable, a variable over the file, the file over the default. The file is named by `--config` or',
    '`FLINKJOB_CONFIG`. Everything that is wrong is told at once, and the process ends with exit code 2 before it has done',
    'anything. What is in force is told in the first line of the log. A running operator does not read it again: start it anew.',
    '',
    'Durations are numbers with the units `d`, `h`, `m`, `s` and `ms`, largest first: `1h30m`, `10s`, `250ms`. An empty variable',
    'is one that is not set. A pod that gets variables for Services can get one that means something else here: keep',
    '`enableServiceLinks: false`.',
    '',
    'A file with every default:',
    '',
    '```yaml',
    ...[...groups].flatMap(([group, members]) => fileLines(group, members)),
    '```',
    '',
    ...[...groups].flatMap(([group, members]) => section(group, members)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function groupOf({ key }: NamedSetting): string {
  return key.includes('.') ? key.slice(0, key.indexOf('.')) : '';
}

function nameOf({ key }: NamedSetting): string {
  return key.slice(key.indexOf('.') + 1);
}

/** Settings without a default are shown as a remark. */
function fileLines(group: string, members: readonly NamedSetting[]): string[] {
  const line = (setting: NamedSetting, indent: string): string => {
    const { fallback, example } = setting;
    return fallback === undefined
      ? `${indent}# ${nameOf(setting)}: ${example.includes(',') && !example.includes('{') ? `[${example}]` : example}`
      : `${indent}${nameOf(setting)}: ${fallback}`;
  };
  if (group === '') return members.map((setting) => line(setting, ''));
  return [`${group}:`, ...members.map((setting) => line(setting, '  '))];
}

function section(group: string, members: readonly NamedSetting[]): string[] {
  return [
    `## ${group === '' ? 'connection' : group}`,
    '',
    '| setting | flag, variable | value | default | meaning |',
    '|---|---|---|---|---|',
    ...members.map(
      ({ key, flag, variable, must, fallback, description }) =>
        `| \`${key}\` | \`${flag}\`, \`${variable}\` | ${cell(must)} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${cell(description)} |`,
    ),
    '',
  ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
