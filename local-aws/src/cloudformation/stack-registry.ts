import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { validationError } from '../protocol/aws-error';
import { Stack, type StackOutput } from './stack';

/** The account's stacks, those that were deleted too. */
export class StackRegistry {
  readonly #stacks = new Map<string, Stack>();

  constructor(private readonly account: Account) {}

  /** Adds a stack in REVIEW_IN_PROGRESS. */
  add(name: string, id = this.account.arn('cloudformation', `stack/${name}/${randomUUID()}`)): Stack {
    const stack = new Stack(id, name, this.account.now);
    this.#stacks.set(stack.id, stack);
    return stack;
  }

  /** Removes a stack that did not come to be. */
  forget(stack: Stack): void {
    this.#stacks.delete(stack.id);
  }

  /** Newest first. */
  all(): readonly Stack[] {
    return [...this.#stacks.values()].reverse();
  }

  /** A stack that was not deleted, by name or ARN; a deleted one by its ARN only. */
  find(nameOrId: string): Stack | undefined {
    return this.#stacks.get(nameOrId) ?? this.all().find(({ name, exists }) => exists && name === nameOrId);
  }

  /** The stack, or the error that most actions answer: `Stack [x] does not exist`. */
  get(nameOrId: string): Stack {
    const stack = this.find(nameOrId);
    if (!stack) throw validationError(`Stack [${nameOrId}] does not exist`);
    return stack;
  }

  /** Every export with the stack that it comes from. */
  exports(): readonly { readonly stack: Stack; readonly output: StackOutput; readonly name: string }[] {
    return this.all()
      .filter(({ exists }) => exists)
      .flatMap((stack) =>
        stack.outputs.flatMap((output) =>
          output.exportName === undefined ? [] : [{ stack, output, name: output.exportName }],
        ),
      );
  }

  /** Names of the stacks that use an export. */
  importersOf(exportName: string): readonly string[] {
    return this.all()
      .filter(({ exists, imports }) => exists && imports.has(exportName))
      .map(({ name }) => name);
  }

  /** Throws if a stack that gives up an export leaves another stack without it. */
  assertNotInUse(exportNames: Iterable<string>): void {
    for (const name of exportNames) {
      const [importer] = this.importersOf(name);
      if (importer) throw validationError(`Export ${name} cannot be deleted as it is in use by ${importer}`);
    }
  }
}
