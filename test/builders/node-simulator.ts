/** A node simulator that stops after the test. */
import { onTestFinished } from 'vitest';
import type { TestCluster } from '../cluster/index.ts';
import { commandForTests } from '../command/desk.ts';
import { NodeSimulator, type NodeSimulatorOptions } from '../node-simulator/index.ts';

/** Its pods run the command as a package has it, bundled once for the run. */
export async function aNodeSimulator(
  cluster: TestCluster,
  options: Partial<NodeSimulatorOptions> & Pick<NodeSimulatorOptions, 'namespaces'>,
): Promise<NodeSimulator> {
  const entrypoint = [process.execPath, await commandForTests()];
  const simulator = await NodeSimulator.start({ access: cluster.access, entrypoint, ...options });
  onTestFinished(() => simulator.stop());
  return simulator;
}
