/** Items whose key an earlier item has, with the first of them. */
export function repetitions<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | undefined,
): { readonly item: Item; readonly first: Item }[] {
  const firsts = new Map<string, Item>();
  return items.flatMap((item) => {
    const key = keyOf(item);
    if (key === undefined) {
      return [];
    }
    const first = firsts.get(key);
    firsts.set(key, first ?? item);
    return first === undefined ? [] : [{ item, first }];
  });
}
