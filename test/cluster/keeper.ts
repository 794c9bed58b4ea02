/** The process that owns a test cluster. Asked for more than once: the controller manager may come later. */
import { keep } from '../servers/keep.ts';
import { ControlPlane } from './control-plane.ts';
import type { ProgramPaths } from './programs.ts';

/** One line of the parent: the programs to start etcd and kube-apiserver from, then kube-controller-manager's, or a disaster. */
export interface Wish {
  readonly programs?: ProgramPaths;
  readonly controllerManager?: string | undefined;
  readonly disaster?: Disaster;
}

/** What can be made to happen to a cluster of one's own: names of methods of ControlPlane. */
export type Disaster = 'restartServer' | 'backUp' | 'restore';

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) {
  const plane = new ControlPlane(folder);
  await keep<Wish>(folder, {
    answer: async ({ programs = {}, controllerManager, disaster }) => {
      if (disaster !== undefined) {
        await plane[disaster]();
        return { done: true };
      }
      if (controllerManager === undefined) return { access: await plane.start(programs) };
      await plane.startControllerManager(controllerManager);
      return { done: true };
    },
    stop: () => plane.stop(),
  });
}
