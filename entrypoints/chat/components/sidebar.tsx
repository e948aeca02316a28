import type { Conversation } from '../history/conversation.ts'
import type { NodeState } from '../use-node.ts'
import { CloseIcon, Mark, PlusIcon, TrashIcon } from './icons.tsx'
import { NodeStatus } from './node-status.tsx'

interface Props {
  readonly conversations: readonly Conversation[]
  readonly currentId: string | null
  readonly node: NodeState
  readonly isOpen: boolean
  readonly onOpen: (id: string | null) => void
  readonly onRemove: (id: string) => void
  readonly onClose: () => void
}

/** Conversations, newest first, and the Oracle's state; a drawer where there is little room. */
export function Sidebar({ conversations, currentId, node, isOpen, onOpen, onRemove, onClose }: Props) {
  return (
    <nav className="sidebar" data-open={isOpen} aria-label="Conversations">
      <div className="sidebar-head">
        <span className="brand">
          <Mark /> Shard
        </span>
        <button
          type="button"
          className="icon-button drawer-only"
          aria-label="Close the list"
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </div>
      <button type="button" className="button new" onClick={() => onOpen(null)}>
        <PlusIcon /> New conversation
      </button>
      <ul className="conversations">
        {conversations.map(({ id, title }) => (
          <li key={id} data-current={id === currentId}>
            <button
              type="button"
              className="conversation"
              aria-current={id === currentId ? 'page' : undefined}
              onClick={() => onOpen(id)}
            >
              {title}
            </button>
            <button
              type="button"
              className="icon-button small"
              aria-label={`Delete “${title}”`}
              title="Delete"
              onClick={() => onRemove(id)}
            >
              <TrashIcon />
            </button>
          </li>
        ))}
      </ul>
      <NodeStatus node={node} />
    </nav>
  )
}
