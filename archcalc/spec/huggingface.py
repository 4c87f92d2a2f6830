"""`huggingface:` of a file: how a config.json of transformers gives the variables of a spec.

A configuration has settings of many kinds, and a default that is missed is the one way to a wrong total here. So every
key is one of these: it gives a variable, it is required to be what the spec is written for, the spec says that it
ignores it, or it is on the one list of keys that change no cost. Any other key is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archcalc.named import NamedTuple
from archcalc.source import Span, YamlNode, YamlScalar

if TYPE_CHECKING:
    from archcalc.spec.bodies import BodyReader

_PATH = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_GIVES = rf"(?s)({_PATH})(?:\((.*)\))?\Z"
_WORD = r"\s*([^=,()]+?)\s*=\s*([^=,()]+?)\s*\Z"
_TYPE = r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_@-]*)((?:\s*\b\w+=[^\s()=]+)*)\))?\Z"
_NUMBER_OF = rf"len\(({_PATH})\)\Z"
_REQUIRED = rf"({_PATH})\s*=\s*([^()]*[^()\s])\s*(?:\(([^()]*)\))?\Z"  # hidden_act=gelu|gelu_new, use_bias=false (mpt)
REQUIRED = "hidden_act=silu; mlp_bias=false (mistral); hidden_act=gelu|gelu_new"
MISSING = "missing"  # among the words of a key: its default where the object that it lies in is there without it
CLASSES = "class: LlamaForCausalLM, MistralForCausalLM"
_CLASSES = r"[A-Za-z]\w*(?:\|[A-Za-z]\w*)*\Z"  # of one type: T5ForConditionalGeneration|T5WithLMHeadModel
SAMPLE = "width: hidden_size, or output: tie_word_embeddings(true=tied, false=own)"

# Keys that change neither a parameter nor a multiplication: tokens by their numbers, initial values, dropout, what is
# added to zero divisions, angles of rotary positions, what is returned, how a file was written.
HARMLESS = r"""(?x)
    (.*_)?(bos|eos|pad|sep|cls|mask|unk|decoder_start|forced_bos|forced_eos|image|video|audio|boi|eoi|start)_token_(id|index)
  | .*dropout(_prob|_rate)? | .*_pdrop | .*dropout_p | .*layerdrop | drop_path_rate
  | initializer_(range|factor|std) | init_(std|method|range) | .*_init_std
  | (.*_)?(layer_?norm|rms_norm|norm|batch_norm)_(eps|epsilon) | (.*_)?eps(ilon)?
  | rope_(theta|scaling|parameters|interleave|local_base_freq|type) | rotary_emb_base | original_max_position_embeddings
  | output_(attentions|hidden_states|router_logits|scores) | return_dict(_in_generate)? | use_return_dict
  | router_(aux_loss_coef|z_loss_coef|jitter_noise|dtype) | aux_loss_alpha | seq_aux | .*_loss_(coef|weight|type)
  | use_cache | cache_implementation | gradient_checkpointing | pretraining_tp | use_flash_attn | attn_implementation
  | transformers_version | torch_dtype | dtype | architectures | auto_map | quantization_config | compression_config
  | id2label | label2id | num_labels | problem_type | finetuning_task | task_specific_params | tokenizer_class | prefix
  | is_encoder_decoder | chunk_size_feed_forward | language | model_name | name_or_path | tie_encoder_decoder
  | summary_(activation|first_dropout|proj_to_labels|type|use_proj) | classifier_(dropout|bias|activation)
  | _name_or_path | _attn_implementation_autoset | _commit_hash | max_length | min_length | num_beams | do_sample
  | temperature | top_k | top_p | repetition_penalty | early_stopping | bad_words_ids | suppress_tokens
  | output_past | use_past | _?num_labels | n_special | predict_special_tokens | model_max_length | use_bfloat16
  | xla_device | directionality | pooler_(fc_size|num_attention_heads|num_fc_layers|size_per_head|type)
  | (encoder_)?no_repeat_ngram_size | length_penalty | num_return_sequences | num_beam_groups | diversity_penalty
  | remove_invalid_values | typical_p | force_bos_token_to_be_generated | model_parallel | _attn_implementation
  | _flash_attn_2_enabled | use_flash_attention(_2)? | flash_attention | attention_probs_dropout | tie_weights_
  | fused_add_norm | residual_in_fp32 | image_processor_type | feature_extractor_type | processor_class
  | begin_suppress_tokens | forced_decoder_ids | torchscript | pruned_heads | unsloth_.* | bos_token | eos_token
    """


class Gives(NamedTuple):
    """A key of a configuration that gives a variable, and what each of its words stands for."""

    variable: str
    path: str
    words: dict[str, str]  # `*` is any other
    span: Span
    is_number_of: bool = False  # the entries of an object or list: len(id2label)


class Requires(NamedTuple):
    """What a key must say: one of these values (not this one: `!0`), in configurations of these types, or of all."""

    path: str
    values: tuple[str, ...]
    types: tuple[str, ...]

    def concerns(self, model_type: str) -> bool:
        """Whether it is required of a model_type."""
        return not self.types or model_type in self.types

    def admits(self, shown: str) -> bool:
        """Whether a value, as it is shown, is one of those; `!0` admits all but 0."""
        same = {shown, shown.removesuffix(".0")}
        refused = {value[1:] for value in self.values if value.startswith("!")}
        return not same & refused if refused else bool(same & set(self.values))

    def __str__(self) -> str:
        """The values as a sentence has them."""
        is_refused = self.values[0].startswith("!")
        return "any but " * is_refused + " or ".join(value.removeprefix("!") for value in self.values)


class HuggingFace(NamedTuple):
    """What a spec says of the configurations that it can be made from."""

    types: dict[str, str]  # the model_type, and the network whose variables it starts from
    starts: dict[str, dict[str, str]]  # other values of these, by model_type: defaults of a class
    classes: dict[str, tuple[str, ...]]  # of transformers, by model_type: the one that the spec is, and its other names
    gives: tuple[Gives, ...]
    requires: tuple[Requires, ...]  # of one key several, for other types
    ignores: frozenset[str]
    span: Span


def read_huggingface(reader: BodyReader, node: YamlNode) -> HuggingFace:
    """Read the value of `huggingface:`."""
    types: dict[str, str] = {}
    starts: dict[str, dict[str, str]] = {}
    classes: list[tuple[str, ...]] = []
    of_classes = Span(node.start, node.start + 1)
    gives: list[Gives] = []
    requires: list[Requires] = []
    of_types: list[tuple[str, Span]] = []  # that `requires` names
    ignores: set[str] = set()
    span = Span(node.start, node.start + 1)
    for key, value in reader.mapping(node, "huggingface"):
        text = " ".join(value.value.split()) if isinstance(value, YamlScalar) else ""
        place = value.span if isinstance(value, YamlScalar) else Span(value.start, value.start + 1)
        match key.value:
            case "model_type":
                span = place
                for item in _items(text, ","):
                    found = re.match(_TYPE, item)
                    if found is None:
                        message = f"`{item}` is no model_type"
                        reader.report("bad-huggingface", message, place, "model_type: llama, mistral(mistral_7b)")
                    else:
                        types[found[1]] = found[2] or ""
                        starts[found[1]] = dict(pair.split("=") for pair in (found[3] or "").split())
                        for name in starts[found[1]].keys() - reader.spec.settable:
                            message = f"the spec has no variable `{name}`"
                            reader.report("bad-huggingface", message, place, "`variables:` lists them")
            case "class":
                of_classes = place
                for item in _items(text, ","):
                    if re.match(_CLASSES, item) is None:
                        reader.report("bad-huggingface", f"`{item}` is no class of transformers", place, CLASSES)
                    classes.append(tuple(item.split("|")))
            case "requires":
                for item in _items(text, ";"):
                    found = re.match(_REQUIRED, item)
                    values = tuple(value.strip() for value in found[2].split("|")) if found else ()
                    if (
                        found is None
                        or not all(value.strip("!") for value in values)
                        or len({value.startswith("!") for value in values}) > 1
                    ):
                        message = f"`{item}` does not say what is required"
                        reader.report("bad-huggingface", message, place, f"requires: {REQUIRED}")
                    else:
                        requires.append(Requires(found[1], values, tuple(_items(found[3] or "", ","))))
                        of_types += [(word, place) for word in requires[-1].types]
            case "ignores":
                ignores.update(_items(text, ","))
            case _ if key.value not in reader.spec.settable:
                message = f"the spec has no variable `{key.value}`"
                reader.report("bad-huggingface", message, key.span, "`variables:` lists them")
            case _:
                for item in text.split(" or "):
                    if number := re.match(_NUMBER_OF, item.strip()):
                        gives.append(Gives(key.value, number[1], {}, key.span, True))
                        continue
                    found = re.match(_GIVES, item.strip())
                    words = _words(found[2]) if found and found[2] is not None else {}
                    if found is None or words is None:
                        message = f"`{item}` does not say which key gives `{key.value}`"
                        reader.report("bad-huggingface", message, place, SAMPLE)
                    else:
                        gives.append(Gives(key.value, found[1], words, key.span))
    if not types:
        message = "`huggingface:` does not say of which model_type"
        reader.report("bad-huggingface", message, span, "model_type: llama")
    for word, place in of_types:
        if types and word not in types:
            message = f"`requires` is of the model_type `{word}`, of which the spec is not"
            reader.report("bad-huggingface", message, place, f"`model_type:` lists {', '.join(types)}")
    if types and classes and len(classes) != len(types):
        message = f"`class` has {len(classes)}, `model_type` has {len(types)}"
        reader.report("bad-huggingface", message, of_classes, f"one class for each type, in their order: {CLASSES}")
    by_type = dict(zip(types, classes, strict=False))
    return HuggingFace(types, starts, by_type, tuple(gives), tuple(requires), frozenset(ignores), span)


def _items(text: str, separator: str) -> list[str]:
    return [item for part in text.split(separator) if (item := part.strip())]


def _words(text: str) -> dict[str, str] | None:
    """`true=tied, false=own`; None: it is not of this form."""
    found: dict[str, str] = {}
    for item in _items(text, ","):
        pair = re.match(_WORD, item)
        if pair is None:
            return None
        found[pair[1]] = pair[2]
    return found or None
