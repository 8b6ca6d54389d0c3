// The newest line that a page has shown of a conversation: what the agent has seen, whatever the
// server has by now (S17). Undefined where it shows none.
export const newestShown = (conversation) => [...(conversation?.querySelectorAll(".thread [data-id]") ?? [])].at(-1)?.dataset.id;
