import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { flinkjob } from './fake-io.ts';

test('--help lists every command and exits with 0', async () => {
  const { code, stdout, stderr } = await flinkjob(['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});

test('no command at all shows the help', async () => {
  expect(await flinkjob([])).toEqual(await flinkjob(['--help']));
});

test('every command shows its summary, options and examples', async () => {
  for (const { name, summary, examples } of COMMANDS) {
    const { code, stdout } = await flinkjob([name, '--help']);
    expect(code, name).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain(summary);
    expect(examples.length, name).toBeGreaterThan(0);
    for (const line of examples) {
      expect(line).toContain(`flinkjob ${name}`);
      expect(stdout).toContain(line);
    }
  }
});

test('every command of a group shows its summary, options and examples', async () => {
  const below = COMMANDS.flatMap(({ name: group, commands = [] }) =>
    commands.map((command) => ({ group, ...command })),
  );
  expect(below.length).toBeGreaterThan(1);
  for (const { group, name, summary, examples } of below) {
    const { code, stdout } = await flinkjob([group, name, '--help']);
    expect(code, name).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain(summary);
    for (const line of examples) {
      expect(line).toContain(`flinkjob ${group} ${name}`);
      expect(stdout).toContain(line);
    }
  }
});

test('a group without a command shows its help and is wrong usage', async () => {
  expect(await flinkjob(['ha'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('inspect') });
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(await flinkjob(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('an unknown command names the nearest known one and exits with 2', async () => {
  expect(await flinkjob(['valdate', 'x'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "error: unknown command 'valdate'\n(Did you mean validate?)\n",
  });
});

test('an unknown option names the nearest known one and exits with 2', async () => {
  expect(await flinkjob(['validate', '--outptu', 'json', 'x'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "error: unknown option '--outptu'\n(Did you mean --output?)\n",
  });
});

test('declaring the commands loads nothing of what they do', () => {
  for (const file of readdirSync('src/cli').filter(
    (name) => name === 'commands.ts' || COMMANDS.some((command) => `${command.name}.ts` === name),
  )) {
    const eager = [...readFileSync(`src/cli/${file}`, 'utf8').matchAll(/^import (?!type).* from '(.*)';$/gm)].map(
      ([, path = '']) => path,
    );
    const light = [
      /^commander$/,
      /^\.\/command\.ts$/,
      /^\.\/[a-z-]+\/[a-z-]+-options?\.ts$/,
      ...COMMANDS.map(({ name }) => new RegExp(`^\\./${name}\\.ts$`)),
    ];
    expect(
      eager.filter((path) => !light.some((pattern) => pattern.test(path))),
      file,
    ).toEqual([]);
  }
});
