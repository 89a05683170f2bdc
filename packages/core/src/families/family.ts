import type { State, StateTensor } from "@pspnet/checkpoints";
import type { ClassList } from "../image/classes.js";
import { inParts } from "../model/flatFields.js";
import type { GivenParts } from "../model/parts.js";

/** Weights as another program wrote them, read from its format. */
export interface ForeignCheckpoint {
  /** `torch zip`, `caffemodel` ...: for messages. */
  readonly format: string;
  readonly state: State;
  /** Tensors beside the weights, such as an optimiser's. */
  readonly beside?: State;
  /** What the file says beside tensors. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How a tensor's elements come to stand as ours do. */
export interface Change {
  /** `rows and columns changed places` */
  readonly how: string;
  apply(tensor: StateTensor): StateTensor;
}

/** What becomes of a tensor: it stands under a name of ours, perhaps changed, or is left out for a reason. */
export type Fate = { readonly name: string; readonly change?: Change } | { readonly drop: string };

/** A field that neither names nor shapes tell, and why it is taken as it is. */
export interface Assumption {
  /** `backbone.strideIn` */
  readonly key: string;
  readonly why: string;
}

/** What a family takes a checkpoint's network to be. */
export interface ForeignNetwork {
  /** The rest is as in the official release. */
  readonly fields: GivenParts;
  /** Number of classes; null for a backbone alone. */
  readonly classes: number | null;
  readonly assumed: readonly Assumption[];
  /** Side of the training crops. */
  readonly crop: number;
  /** What the network has here and the file has not, as a bias of zeros. */
  readonly added?: State;
  /** The classes, where the file names them or the family is of one list. */
  readonly classList?: ClassList;
}

/** What shapes tell of a network, over what its family says. */
export function told(found: GivenParts, family: GivenParts): GivenParts {
  return inParts(found, family) as GivenParts;
}

/** Checkpoints of one origin: what its names mean, and what network they make. */
export interface Family {
  /** For `--from`. */
  readonly name: string;
  /** `the official PyTorch release (hszhao/semseg)` */
  readonly title: string;
  /** It goes by shapes and order where names say nothing: what it took for what is to be looked at. */
  readonly guesses?: boolean;
  /**
   * What becomes of a tensor, null for one that the family has not. Prefixes of wrappers (`state_dict.`, `module.`) are off the
   * name, and PyTorch's counters of batches are not asked for. `all` are the tensors by such names.
   */
  fate(name: string, tensor: StateTensor, all: State): Fate | null;
  /**
   * The network of tensors under our names; null for one that is not the family's. Whether the tensors fit it one to one
   * is checked afterwards. `all` are the tensors that `fate` was asked of.
   *
   * @throws PspnetError that says what was looked for in vain.
   */
  network(state: State, checkpoint: ForeignCheckpoint, all: State): ForeignNetwork | null;
}
