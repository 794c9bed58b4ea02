/** A plan as a Mermaid flowchart, for READMEs and pull requests. */
import type { EdgePlan, JobPlanReport, OperatorPlan, VertexPlan } from './job-plan.ts';

/** The lines of a flowchart: a node for each vertex, an edge for each exchange. */
export function mermaidLines({ vertices, edges }: JobPlanReport): string[] {
  const nodes = new Map(vertices.map(({ id }, index) => [id, `v${index + 1}`]));
  return [
    'flowchart LR',
    ...vertices.map((vertex) => `  ${nodes.get(vertex.id) ?? ''}["${labelOf(vertex)}"]`),
    ...edges.map((edge) => `  ${nodes.get(edge.from) ?? ''} -->|"${edgeLabel(edge)}"| ${nodes.get(edge.to) ?? ''}`),
  ];
}

function labelOf({ operators, parallelism, maxParallelism }: VertexPlan): string {
  return [...operators.map(operatorLabel), `parallelism ${parallelism} of ${maxParallelism}`].join('<br/>');
}

function operatorLabel({ name, uid, uidGenerated }: OperatorPlan): string {
  return escaped(`${name} (${uid}${uidGenerated ? ' *' : ''})`);
}

function edgeLabel({ shipStrategy, keyType, sideOutput }: EdgePlan): string {
  return escaped([shipStrategy, keyType, sideOutput].filter((part) => part !== undefined).join(' '));
}

/** Mermaid reads entities where quotes and brackets would end the label. */
function escaped(text: string): string {
  return text.replace(/[#"<>{}[\]|]/g, (character) => `#${character.charCodeAt(0)};`);
}
