import { createStore } from "./store";

/** The event type that this tab looked at last, with which the playground begins. */
export const recentType = createStore<string | undefined>(undefined);
