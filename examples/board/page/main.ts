// A live order board. All it shows is folded from the log: the history first, then each event as it is stored.
import { createClient, GapError, type LiveStatus, type Ticket } from "@postrider/client/light";
import { fold, type Order, type ShopEvent, type ShopEvents } from "./orders";

const find = <E extends HTMLElement>(selector: string, within: ParentNode = document) =>
  within.querySelector(selector) as E;

// Events come from Postrider itself. The page holds no key: its backend hands out tickets, which open streams and nothing
// else. The client asks for one before each connection.
const postrider = createClient<ShopEvents>({
  url: find<HTMLMetaElement>("meta[name=postrider]").content,
  token: async (): Promise<Ticket> => {
    const answer = await fetch("/ticket", { method: "POST" });
    if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
    return answer.json();
  },
});

const orders = new Map<string, Order>();

/** Follows the log for good. Lost connections are the client's business; what to do about missing events is ours. */
async function follow(): Promise<void> {
  for (;;) {
    const events = postrider.subscribe(["shop.v1.*"], { start: "earliest", onStatus: showStatus });
    showStatus(events.status);
    find("#retry").onclick = () => events.retryNow();
    try {
      for await (const event of events) show(event, events.status.state === "live");
      return;
    } catch (error) {
      if (!(error instanceof GapError)) return tell(`The board stands still: ${error}`);
      tell(`Events are missing: ${error.gap.message}. The board was read afresh.`);
      orders.clear();
      for (const list of document.querySelectorAll("ol")) list.replaceChildren();
      showCounts();
    }
  }
}

/** Puts the order of an event on top of the column it belongs to now. The keyboard stays with the card. */
function show(event: ShopEvent, isNew: boolean): void {
  const id = event.data.orderId ?? "";
  const order = fold(orders.get(id), event);
  if (event.isInvalid || !order || order === orders.get(id)) return;
  orders.set(id, order);
  const card = document.getElementById(`order-${id}`) ?? newCard(order);
  const hadFocus = card.contains(document.activeElement);
  find("time", card).textContent = order.time.toLocaleString();
  find(`#${order.state} ol`).prepend(card);
  if (hadFocus) card.focus();
  showCounts();
  if (isNew) find("#news").textContent = `Order ${id} is ${order.state}.`;
}

function showCounts(): void {
  for (const column of document.querySelectorAll("section")) {
    find("h2 span", column).textContent = String(find("ol", column).childElementCount);
  }
}

function newCard({ id, placed: { lines = [], total } }: Order): HTMLElement {
  const { content } = find<HTMLTemplateElement>("template");
  const card = find("li", content).cloneNode(true) as HTMLElement;
  card.id = `order-${id}`;
  find("h3", card).textContent = id;
  find("p", card).textContent = lines.map(({ quantity, sku }) => `${quantity} × ${sku}`).join(", ");
  const amount = (Number(total?.minorUnits ?? 0) / 100).toFixed(2);
  find("strong", card).textContent = `${amount} ${total?.currency}`;
  for (const button of card.querySelectorAll("button")) {
    button.ariaLabel = `${button.textContent} order ${id}`;
    button.onclick = () => send(button, orders.get(id)?.placed);
  }
  return card;
}

/** Has the backend publish an event. The board changes when it comes back by the stream, as it does everywhere else. */
async function send(button: HTMLButtonElement, body: unknown): Promise<void> {
  if (button.ariaBusy) return;
  button.ariaBusy = "true";
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`/orders/${button.name}`, request).catch(() => undefined);
  tell(answer?.ok ? "" : ((await answer?.text()) ?? "The backend cannot be reached."));
  button.ariaBusy = null;
}

find<HTMLFormElement>("form").onsubmit = (submission) => {
  submission.preventDefault();
  const quantity = find<HTMLInputElement>("[name=quantity]").valueAsNumber;
  send(find("form button"), {
    lines: [{ sku: find<HTMLSelectElement>("[name=sku]").value, quantity }],
  });
};

const tell = (notice: string) => {
  find("#notice").textContent = notice;
};

function showStatus({ state, error, retryAt }: LiveStatus): void {
  const status = find("#status");
  status.dataset.state = state;
  status.textContent = retryAt ? `${state}, next try at ${retryAt.toLocaleTimeString()}` : state;
  status.title = error?.message ?? "";
  find("#retry").hidden = !retryAt;
}

follow();
