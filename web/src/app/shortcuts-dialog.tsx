import { Dialog } from "@/ui/dialog";
import styles from "./shortcuts-dialog.module.css";

const shortcuts: [keys: string[], what: string][] = [
  [["j", "k"], "next and previous row"],
  [["Enter"], "open the row"],
  [["Esc"], "close the event, leave a field, close a dialog"],
  [["/"], "filter the events"],
  [["p"], "pause and resume the tail"],
  [["?"], "this help"],
];

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className={styles.shortcuts}>
        {shortcuts.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
