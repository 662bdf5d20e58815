import type {
  EnumDocumentation,
  FieldDocumentation,
  MessageDocumentation,
  TypeDocumentation,
} from "#gen/postrider/v1/event_type_pb";
import { CopyButton } from "@/ui/copy";
import { JsonView } from "@/ui/json/json-view";
import styles from "./event-type-page.module.css";

interface Props {
  documentation: TypeDocumentation;
  /** Text that is shown above and not repeated. */
  description: string;
}

/** A version of a schema as people read it, from its comments and rules. */
export function Documentation({ documentation, description }: Props) {
  const { messages, enums, example, source, version } = documentation;
  const known = new Set([...messages, ...enums].map(({ name }) => name));
  const [own, ...used] = messages;
  return (
    <>
      {own && (
        <Message
          message={own}
          known={known}
          title={`Fields, version ${version}`}
          comment={own.comment === description ? "" : own.comment}
        />
      )}
      {example !== "" && <JsonView text={example} label="Example" />}
      {used.map((message) => (
        <Message key={message.name} message={message} known={known} title={message.name} />
      ))}
      {enums.map((documented) => (
        <Enum key={documented.name} documented={documented} />
      ))}
      {source !== "" && (
        <details className={styles.source}>
          <summary>The declaration as .proto</summary>
          <div className={styles.code}>
            <pre tabIndex={0}>{source}</pre>
            <CopyButton text={source} iconLabel="Copy the declaration" />
          </div>
        </details>
      )}
    </>
  );
}

function Message(props: {
  message: MessageDocumentation;
  known: Set<string>;
  title: string;
  comment?: string;
}) {
  const { message, known, title, comment = message.comment } = props;
  return (
    <section className={styles.message} id={message.name} aria-label={title}>
      <h2>
        {title} {message.deprecated && <span className={styles.deprecated}>deprecated</span>}
      </h2>
      {comment && <p>{comment}</p>}
      <Rules rules={message.rules} />
      {message.fields.length === 0 ? (
        <p>It has no fields.</p>
      ) : (
        <ul className={styles.fields}>
          {message.fields.map((field) => (
            <Field key={field.number} field={field} known={known} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Field({ field, known }: { field: FieldDocumentation; known: Set<string> }) {
  return (
    <li className={styles.field}>
      <div className={styles.head}>
        <code>{field.name}</code>
        <span className={styles.type}>
          {known.has(field.reference) ? (
            <a href={`#${field.reference}`}>{shortType(field)}</a>
          ) : (
            shortType(field)
          )}
        </span>
        <span className={styles.marks}>
          {field.required && <span className={styles.required}>required</span>}
          {field.deprecated && <span className={styles.deprecated}>deprecated</span>}
          {field.oneof && <span>one of {field.oneof}</span>}
          {field.jsonName !== field.name && (
            <span>
              JSON <code>{field.jsonName}</code>
            </span>
          )}
          <span>no. {field.number}</span>
        </span>
      </div>
      <div className={styles.body}>
        {field.comment && <p>{field.comment}</p>}
        <Rules rules={field.rules} />
      </div>
    </li>
  );
}

function Rules({ rules }: { rules: string[] }) {
  if (rules.length === 0) return null;
  return (
    <ul className={styles.rules}>
      {rules.map((rule) => (
        <li key={rule}>{rule}</li>
      ))}
    </ul>
  );
}

function Enum({ documented }: { documented: EnumDocumentation }) {
  return (
    <section className={styles.message} id={documented.name} aria-label={documented.name}>
      <h2>{documented.name}</h2>
      {documented.comment && <p>{documented.comment}</p>}
      <ul className={styles.fields}>
        {documented.values.map((value) => (
          <li key={value.name} className={styles.field}>
            <div className={styles.head}>
              <code>{value.name}</code>
              <span className={styles.marks}>
                {value.deprecated && <span className={styles.deprecated}>deprecated</span>}
                <span>{value.number}</span>
              </span>
            </div>
            <div className={styles.body}>{value.comment && <p>{value.comment}</p>}</div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The type with the last part of the name it refers to: the whole name is where the link leads. */
function shortType({ type, reference }: FieldDocumentation): string {
  if (reference === "") return type;
  return type.replace(reference, reference.slice(reference.lastIndexOf(".") + 1));
}
