/**
 * The Helm chart, from the same objects as manifests/: some of their values give way to expressions, the rest stays. With
 * the default values the chart installs what manifests/install.yaml installs; a test compares. The CRD is not in it: Helm
 * never brings one up to date, and would take all jobs with it when the chart goes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { OPERATOR_NAME } from '../../src/resources/index.ts';
import { type ValueFacts, valuesSchema, valuesYaml } from './chart-values.ts';
import { type Fields, type Json, type KubeObject, renderFolder } from './kustomize.ts';

const FOLDER = 'charts/flinkjob-operator';
/** Of the ConfigMap. It is not named after its content here: a checksum in the pod's annotations does the same. */
const SETTINGS = `${OPERATOR_NAME}-settings`;
const HEADING = '{{- /* Rendered by `make manifests` from config/; edit there. */ -}}\n';

/** Where each file is written, and its text. */
export function renderedChart(config: string, version: string): ReadonlyMap<string, string> {
  const namespaced = renderFolder(join(config, 'overlays/namespaced')).map(ofRelease);
  const clusterWide = renderFolder(join(config, 'overlays/cluster-wide')).map(ofRelease);
  const facts = valueFacts(config, one(namespaced, 'Deployment'));
  const files: Record<string, string> = {
    'Chart.yaml': chartYaml(version),
    'values.yaml': `# Rendered by \`make manifests\` from config/ and scripts/manifests/chart-values.ts; edit there.\n\n${valuesYaml(facts)}`,
    'values.schema.json': valuesSchema(facts),
    'templates/_names.tpl': NAMES,
    'templates/configuration.yaml': HEADING + asTemplate(configMap()),
    'templates/deployment.yaml': HEADING + deployment(one(namespaced, 'Deployment')),
    'templates/disruption-budget.yaml':
      HEADING + when('gt (int $.Values.replicas) 1', one(namespaced, 'PodDisruptionBudget')),
    'templates/metrics-service.yaml': HEADING + asTemplate(one(namespaced, 'Service')),
    'templates/network-policy.yaml': HEADING + when('$.Values.networkPolicy.enabled', one(namespaced, 'NetworkPolicy')),
    'templates/service-account.yaml': HEADING + asTemplate(one(namespaced, 'ServiceAccount')),
    'templates/election.yaml':
      HEADING + [...named(namespaced, `${OPERATOR_NAME}-election`)].map(asTemplate).join('---\n'),
    'templates/jobs.yaml': HEADING + jobRights(named(namespaced, OPERATOR_NAME), named(clusterWide, OPERATOR_NAME)),
    'templates/NOTES.txt': NOTES,
  };
  return new Map(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text]));
}

/** What stands for an expression until the object is text. */
const expressions: string[] = [];
const expression = (text: string): string => `expression-${expressions.push(text) - 1}-`;

/** Lines of their own, in place of a field. */
const block = (text: string): Fields => ({ [expression(text)]: null });

function asTemplate(object: Json): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })
    .replaceAll(/^.*expression-(\d+)-: null\n/gm, (_line, index) => `${expressions[Number(index)]}\n`)
    .replaceAll(/expression-(\d+)-/g, (_mark, index) => `{{ ${expressions[Number(index)]} }}`);
}

function when(condition: string, object: KubeObject): string {
  return `{{- if ${condition} }}\n${asTemplate(object)}{{- end }}\n`;
}

/** Namespace and labels are those of the release. */
function ofRelease(object: KubeObject): KubeObject {
  const { namespace: _, labels, ...metadata } = object.metadata;
  const subjects = (object['subjects'] as Fields[] | undefined)?.map((subject) => ({
    ...subject,
    namespace: expression('$.Release.Namespace'),
  }));
  const own = {
    ...labels,
    'app.kubernetes.io/instance': expression('$.Release.Name'),
    'app.kubernetes.io/version': expression('$.Chart.AppVersion | quote'),
    'helm.sh/chart': expression('printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | quote'),
  };
  return { ...object, metadata: { ...metadata, labels: own }, ...(subjects === undefined ? {} : { subjects }) };
}

function one(objects: readonly KubeObject[], kind: string): KubeObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`config/ has no ${kind}`);
  return found;
}

/** Role and binding of a name. */
function named(objects: readonly KubeObject[], name: string): KubeObject[] {
  return objects.filter(({ kind, metadata }) => /Role/.test(kind) && metadata.name === name);
}

function jobRights(namespaced: readonly KubeObject[], clusterWide: readonly KubeObject[]): string {
  const inNamespace = namespaced.map(({ apiVersion, kind, metadata: { name, ...metadata }, ...rest }) =>
    asTemplate({ apiVersion, kind, metadata: { name, namespace: expression('.'), ...metadata }, ...rest }),
  );
  return [
    '{{- if and $.Values.clusterWide $.Values.namespaces }}',
    '{{- fail "clusterWide and namespaces exclude each other: remove one of them" }}',
    '{{- end }}',
    '{{- if $.Values.clusterWide }}',
    `${clusterWide.map(asTemplate).join('---\n')}{{- else }}`,
    '{{- range (default (list $.Release.Namespace) $.Values.namespaces) }}',
    `---\n${inNamespace.join('---\n')}{{- end }}`,
    '{{- end }}',
    '',
  ].join('\n');
}

function configMap(): KubeObject {
  const plain: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: SETTINGS,
      labels: {
        'app.kubernetes.io/name': OPERATOR_NAME,
        'app.kubernetes.io/component': 'operator',
        'app.kubernetes.io/part-of': 'flinkjob',
      },
    },
  };
  const data = block('  operator.yaml: |\n    {{- include "flinkjob.configuration" $ | nindent 4 }}');
  return { ...ofRelease(plain), data };
}

function deployment(object: KubeObject): string {
  const spec = structuredClone(object['spec']) as Fields;
  const template = spec['template'] as { metadata: Fields; spec: Fields };
  const pod = template.spec;
  const [container] = pod['containers'] as Fields[];
  if (container === undefined) throw new Error('the Deployment has no container');
  spec['replicas'] = expression('$.Values.replicas');
  template.metadata['labels'] = { ...(object.metadata.labels as Fields) };
  template.metadata['annotations'] = {
    ...(template.metadata['annotations'] as Fields),
    'checksum/configuration': expression('include "flinkjob.configuration" $ | sha256sum'),
  };
  container['image'] = expression('include "flinkjob.image" $ | quote');
  container['resources'] = expression('- toYaml $.Values.resources | nindent 12');
  for (const variable of container['env'] as Fields[])
    if (variable['name'] === 'NODE_OPTIONS') variable['value'] = expression('$.Values.nodeOptions | quote');
  for (const volume of pod['volumes'] as Fields[])
    if (volume['configMap'] !== undefined) volume['configMap'] = { name: SETTINGS };
  const { name, image, ...rest } = container;
  pod['containers'] = [{ name, image, imagePullPolicy: expression('$.Values.image.pullPolicy'), ...rest } as Fields];
  const chosen = ['imagePullSecrets', 'priorityClassName', 'nodeSelector', 'tolerations', 'affinity'];
  template.spec = { ...pod, ...Object.assign({}, ...chosen.map(optional)) };
  return asTemplate({ ...object, spec }).replaceAll('{{ - toYaml', '{{- toYaml');
}

/** A field of the pod that is there when its value is. */
function optional(name: string): Fields {
  return block(`      {{- with $.Values.${name} }}\n      ${name}: {{- toYaml . | nindent 8 }}\n      {{- end }}`);
}

function valueFacts(config: string, operator: KubeObject): ValueFacts {
  const spec = operator['spec'] as Fields;
  const [container] = ((spec['template'] as Fields)['spec'] as Fields)['containers'] as Fields[];
  const variables = container?.['env'] as Fields[];
  const { jobs: _, ...configuration } = parse(readFileSync(join(config, 'base/operator.yaml'), 'utf8')) as Fields;
  return {
    replicas: spec['replicas'] ?? 1,
    resources: container?.['resources'] ?? {},
    nodeOptions: variables.find(({ name }) => name === 'NODE_OPTIONS')?.['value'] ?? '',
    repository: String(container?.['image']).split(':')[0] ?? '',
    configuration,
  };
}

function chartYaml(version: string): string {
  return stringify({
    apiVersion: 'v2',
    name: OPERATOR_NAME,
    description: 'The operator that runs FlinkJobs; the CRD is installed apart',
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>= 1.30.0-0',
  });
}

const NAMES = `{{- /* Rendered by \`make manifests\` from scripts/manifests/chart.ts; edit there. */ -}}
{{- define "flinkjob.image" -}}
{{- with $.Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}
{{- define "flinkjob.configuration" -}}
{{- $settings := dict "jobs" (dict "image" (include "flinkjob.image" $)) -}}
{{- if $.Values.clusterWide -}}
{{- $_ := set $settings "watch" (dict "allNamespaces" true) -}}
{{- else if $.Values.namespaces -}}
{{- $_ := set $settings "watch" (dict "namespaces" $.Values.namespaces) -}}
{{- end -}}
{{- mergeOverwrite $settings (deepCopy $.Values.configuration) | toYaml -}}
{{- end -}}
`;

const NOTES = `The operator looks after the FlinkJobs of {{ if $.Values.clusterWide }}all namespaces{{ else }}{{ default (list $.Release.Namespace) $.Values.namespaces | join ", " }}{{ end }}.

The definition of FlinkJob is not part of this chart. Before you remove the chart, remove all FlinkJobs:
each has a finalizer that the operator takes away when the job is dealt with.
`;
