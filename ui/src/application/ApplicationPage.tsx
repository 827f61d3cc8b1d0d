export function ApplicationPage({ name }: { namespace: string; name: string; tab: string }) {
  return <h1>{name}</h1>;
}
