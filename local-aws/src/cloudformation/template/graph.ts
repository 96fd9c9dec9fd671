import { validationError } from '../../protocol/aws-error';

/** Nodes with the nodes that each of them depends on. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** The same nodes with every dependency turned around. */
export function reversed(graph: Graph): Graph {
  const turned = new Map<string, Set<string>>([...graph.keys()].map((node) => [node, new Set()]));
  for (const [node, dependencies] of graph) for (const dependency of dependencies) turned.get(dependency)?.add(node);
  return turned;
}

/** The same nodes, each with all that it depends on directly or through others. */
export function closure(graph: Graph): Graph {
  const reach = (node: string, reached: Set<string>): Set<string> => {
    for (const dependency of graph.get(node) ?? []) {
      if (reached.has(dependency)) continue;
      reached.add(dependency);
      reach(dependency, reached);
    }
    return reached;
  };
  return new Map([...graph.keys()].map((node) => [node, reach(node, new Set())]));
}

/** Throws, worded as CloudFormation words it, if nodes wait for each other. */
export function assertAcyclic(graph: Graph): void {
  const circular = [...closure(graph)].filter(([node, reached]) => reached.has(node)).map(([node]) => node);
  if (circular.length > 0)
    throw validationError(`Circular dependency between resources: [${circular.sort().join(', ')}]`);
}

/**
 * Works on every node as soon as all that it depends on is done; independent nodes run in parallel. What depends on a
 * failed node is left out; with `stop`, nothing more is started after a failure, and what runs is told through the signal.
 *
 * @returns the nodes whose work failed
 */
export async function runInOrder(
  graph: Graph,
  work: (node: string, signal: AbortSignal) => Promise<boolean>,
  { stop, signal }: { readonly stop: boolean; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const failed: string[] = [];
  const stopping = new AbortController();
  const anySignal = signal ? AbortSignal.any([stopping.signal, signal]) : stopping.signal;
  const waiting = new Map([...graph].map(([node, dependencies]) => [node, new Set(dependencies)]));

  await new Promise<void>((resolve, reject) => {
    let running = 0;
    const startReady = () => {
      if (!anySignal.aborted) {
        for (const [node, dependencies] of waiting) {
          if (dependencies.size > 0) continue;
          waiting.delete(node);
          running += 1;
          work(node, anySignal).then((done) => settle(node, done), reject);
        }
      }
      if (running > 0) return;
      const stuck = !anySignal.aborted && failed.length === 0 && waiting.size > 0;
      if (stuck) reject(new Error(`Circular dependency between ${[...waiting.keys()].join(', ')}`));
      else resolve();
    };
    const settle = (node: string, done: boolean) => {
      running -= 1;
      if (done) {
        for (const dependencies of waiting.values()) dependencies.delete(node);
      } else {
        failed.push(node);
        if (stop) stopping.abort();
      }
      startReady();
    };
    startReady();
  });
  return failed;
}
