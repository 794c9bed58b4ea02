/** The commands of docs/install.md and docs/gitops.md, run as they are written, by kubectl and helm, on a cluster of their own. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, test as anyTest, beforeAll, describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { kubeconfigText } from '../../builders/kubeconfig.ts';
import { type RunningCluster, startCluster } from '../../cluster/index.ts';
import { codeBlocks, commandsOf } from '../../docs/markdown.ts';
import { findProgram } from '../../rendering/programs.ts';

const INSTALL = 'docs/install.md';
const folders = [process.env.KUBEBUILDER_ASSETS ?? '', ...(process.env.PATH ?? '').split(delimiter)];
const kubectl = folders.find((folder) => folder !== '' && existsSync(join(folder, 'kubectl')));
const helm = await findProgram('helm', { build: false });
if (kubectl === undefined) console.log('skipped: this machine has no kubectl');
const suite = describe.skipIf(kubectl === undefined);

/** Not for a machine without Docker and without nodes. */
const NOT_HERE = [/^docker /, /rollout status/];

const commandsIn = (page: string): string[] =>
  codeBlocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(commandsOf);
const overlay =
  codeBlocks(INSTALL)
    .find(({ language, lines }) => language === 'yaml' && lines.some((line) => line.startsWith('kind: Kustomization')))
    ?.lines.join('\n') ?? '';

const checkout = mkdtempSync(join(tmpdir(), 'flinkjob-install-'));
let cluster: RunningCluster | undefined;

interface Ran {
  readonly code: number;
  readonly output: string;
}

function shell(line: string): Promise<Ran> {
  const programs = [kubectl ?? '', ...('path' in helm ? [dirname(helm.path)] : []), process.env.PATH ?? ''];
  const env = { HOME: checkout, PATH: programs.join(delimiter), KUBECONFIG: join(checkout, 'kubeconfig') };
  return new Promise((done) => {
    execFile('sh', ['-c', line], { cwd: checkout, env, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), output: `${stdout}${stderr}` });
    });
  });
}

/** One after the other; each has to succeed, and none is warned of. */
async function run(commands: readonly string[]): Promise<string> {
  let output = '';
  for (const command of commands.filter((line) => !NOT_HERE.some((pattern) => pattern.test(line)))) {
    const ran = await shell(command);
    expect({ command, ...ran }).toMatchObject({ code: 0, output: expect.not.stringContaining('Warning') });
    output += ran.output;
  }
  return output;
}

beforeAll(async () => {
  if (kubectl === undefined) return;
  const started = await startCluster();
  if ('unavailable' in started) throw new Error(started.unavailable);
  cluster = started;
  for (const folder of ['crds', 'manifests', 'config', 'charts']) symlinkSync(resolve(folder), join(checkout, folder));
  const job = { typescript: { module: 'dist/job.js' }, storage: { uri: 's3://bucket/jobs' } };
  const resource = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', metadata: { name: 'flights' }, spec: job };
  writeFileSync(join(checkout, 'job.yaml'), stringify(resource));
  mkdirSync(join(checkout, 'deploy/streaming'), { recursive: true });
  writeFileSync(join(checkout, 'deploy/streaming/kustomization.yaml'), overlay);
  writeFileSync(join(checkout, 'kubeconfig'), kubeconfigText(started.access, 'default'));
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(checkout, { recursive: true, force: true });
});

suite('installing', () => {
  const commands = commandsIn(INSTALL);
  const isHelm = (line: string): boolean => line.startsWith('helm ');
  const removal = commands.findIndex((line) => line.startsWith('kubectl delete'));
  const definition = commands.at(-1) ?? '';

  anyTest('nothing else is shown than what is run here, or cannot be', () => {
    expect(commands.filter((line) => !/^(kubectl|helm|docker) /.test(line))).toEqual([]);
    expect(removal).toBeGreaterThan(5);
    expect(definition).toBe('kubectl delete -f crds/');
  });

  anyTest('with kubectl, from the definition to a job', async () => {
    await run(['kubectl create namespace streaming']);
    const output = await run(commands.slice(0, removal).filter((line) => !isHelm(line)));
    expect(output).toMatch(/^flinkjob\.flinkjob\.dev\/flights created$/m);
    expect(output).toMatch(/^deployment\.apps\/flinkjob-operator serverside-applied$/m);
  });

  anyTest('the overlay runs elsewhere, with its own image and settings', async () => {
    const pod = '{.spec.template.spec.containers[0].image} {.spec.template.spec.volumes[0].configMap.name}';
    const { output } = await shell(`kubectl get deployment flinkjob-operator -n streaming -o jsonpath='${pod}'`);
    const [image, settings] = output.split(' ');
    expect(image).toBe('registry.example.org/flinkjob:0.1.0');
    const held = await shell(`kubectl get configmap ${settings} -n streaming -o jsonpath='{.data.operator\\.yaml}'`);
    expect(held.output).toContain('image: registry.example.org/flinkjob:0.1.0');
    const bound = '{.subjects[0].namespace}';
    const binding = await shell(`kubectl get rolebinding flinkjob-operator -n streaming -o jsonpath='${bound}'`);
    expect(binding.output).toBe('streaming');
  });

  anyTest('removing it: jobs, then the operator', async () => {
    await run(commands.slice(removal, -1));
    expect((await shell('kubectl get deployments --namespace flinkjob')).output).toMatch(/No resources found/);
  });

  anyTest.skipIf('missing' in helm)('with helm', async () => {
    await run(['kubectl create namespace flights', 'kubectl create namespace payments']);
    expect(await run(commands.filter(isHelm))).toMatch(/release "operator" uninstalled/);
  });

  anyTest('removing the definition last', async () => {
    await run([definition]);
    expect((await shell('kubectl get flinkjobs')).code).not.toBe(0);
  });
});

suite('with Argo CD', () => {
  anyTest('its ConfigMap takes what it is to know', async () => {
    await run(['kubectl create namespace argocd', 'kubectl create configmap argocd-cm --namespace argocd']);
    expect(await run(commandsIn('docs/gitops.md'))).toMatch(/configmap\/argocd-cm patched/);
  });
});
