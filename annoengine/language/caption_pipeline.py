"""Runs a spaCy model over captions with what repeats remembered: the same parses, in a third.

Tokenizer, encoder, tagger and parser are spaCy's own with the model's own weights. Three things
differ from calling the model. Words are embedded once (``word_embedding``), the rules for parts of
speech and lemmas run once for each kind of word (``word_attributes``), and matrices are multiplied
by NumPy's library, which on processors of today takes a quarter of the time of spaCy's. A model
that is built otherwise is called as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from annoengine.language.noun_phrases import base_noun_phrases
from annoengine.language.parsed import Chunk, Parsed, Token
from annoengine.language.window_encoder import WindowEncoder, is_window_encoder
from annoengine.language.word_attributes import WordAttributes, are_understood
from annoengine.language.word_embedding import WordEmbedding

_PIPES = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
_COLUMNS = (
    *("HEAD", "SENT_START", "ORTH", "LOWER", "TAG", "DEP", "IS_SPACE", "IS_PUNCT", "IDX"),
    "LENGTH",
)


def pipeline_of(nlp: Any) -> CaptionPipeline | PlainPipeline:
    """What parses captions by a loaded model, the quickest way that it allows."""
    return CaptionPipeline(nlp) if _is_usual(nlp) else PlainPipeline(nlp)


def _is_usual(nlp: Any) -> bool:
    """Is a model built as spaCy's small and middling English ones are?"""
    if nlp.lang != "en" or nlp.pipe_names != _PIPES:
        return False
    tok2vec = nlp.get_pipe("tok2vec").model
    lemmatizer = nlp.get_pipe("lemmatizer")
    return (
        tok2vec.has_ref("embed")
        and tok2vec.has_ref("encode")
        and is_window_encoder(tok2vec.get_ref("encode"))
        and len(_columns(tok2vec)) > 0
        and lemmatizer.mode == "rule"
        and are_understood(nlp.get_pipe("attribute_ruler").patterns)
    )


def _columns(tok2vec: Any) -> list[Any]:
    """The attributes of words that an embedding layer reads."""
    layers = list(tok2vec.get_ref("embed").walk())
    if any(layer.name == "static_vectors" for layer in layers):
        # These look words up in the vocabulary by themselves.
        return []
    return [
        column
        for layer in layers
        if layer.name == "extract_features"
        for column in layer.attrs["columns"]
    ]


class PlainPipeline:
    """A model called as it is."""

    def __init__(self, nlp: Any) -> None:
        self._nlp = nlp

    def parse(self, texts: Sequence[str]) -> list[Parsed]:
        """Captions, parsed, in their order."""
        return [_taken(doc) for doc in self._nlp.pipe(texts, batch_size=64)]


class CaptionPipeline:
    """A usual English model, its components called one by one."""

    def __init__(self, nlp: Any) -> None:
        """Takes over the model: its matrices are multiplied by NumPy from now on."""
        attributes = importlib.import_module("spacy.attrs")
        thinc = importlib.import_module("thinc.api")
        self._nlp = nlp
        self._tagger, self._parser = nlp.get_pipe("tagger"), nlp.get_pipe("parser")
        tok2vec = nlp.get_pipe("tok2vec").model
        ops = thinc.NumpyOps(use_blis=False)
        for model in (tok2vec, self._tagger.model, self._parser.model):
            for layer in model.walk():
                layer.ops = ops
        self._encoder = WindowEncoder(tok2vec.get_ref("encode"))
        self._embedding = WordEmbedding(tok2vec.get_ref("embed"), _columns(tok2vec))
        self._attributes = WordAttributes(
            nlp.get_pipe("attribute_ruler"), nlp.get_pipe("lemmatizer"), nlp.vocab.strings
        )
        self._columns = [getattr(attributes, name) for name in _COLUMNS]

    def parse(self, texts: Sequence[str]) -> list[Parsed]:
        """Captions, parsed, in their order."""
        docs = [self._nlp.make_doc(text) for text in texts]
        worded = [doc for doc in docs if len(doc)]
        if worded:
            vectors = self._encoder.encode(self._embedding.of(worded))
            for doc, tensor in zip(worded, vectors, strict=True):
                doc.tensor = tensor
            self._tagger.set_annotations(worded, self._tagger.predict(worded))
            self._parser.set_annotations(worded, self._parser.predict(worded))
        return [self._taken(doc) if len(doc) else Parsed(doc.text, (), ()) for doc in docs]

    def _taken(self, doc: Any) -> Parsed:
        text = doc.text
        table = doc.to_array(self._columns)
        orths, lowers, tags, deps, spaces, marks, places, lengths = table[:, 2:].T.tolist()
        # These two count to both sides.
        offsets, starts = table[:, :2].view(np.int64).T.tolist()
        given = self._attributes.of(doc, orths, lowers, tags, deps, spaces)
        heads = [i + offset for i, offset in enumerate(offsets)]
        pos = [one.pos for one, _ in given]
        silent = [bool(space or mark) for space, mark in zip(spaces, marks, strict=True)]
        chunks = base_noun_phrases(pos, [one.dep for one, _ in given], heads, silent)
        sentence = 0
        tokens = []
        for i, (one, lemma) in enumerate(given):
            sentence += i > 0 and starts[i] == 1
            start = places[i]
            end = start + lengths[i]
            tokens.append(
                Token(
                    i,
                    text[start:end],
                    lemma,
                    one.pos,
                    one.tag,
                    one.dep,
                    heads[i],
                    start,
                    end,
                    sentence,
                )
            )
        return Parsed(text, tuple(tokens), chunks)


def _taken(doc: Any) -> Parsed:
    """A document that a whole model has worked on."""
    sentence_of: list[int] = []
    for number, sentence in enumerate(doc.sents):
        sentence_of += [number] * len(sentence)
    tokens = tuple(
        Token(
            token.i,
            token.text,
            token.lemma_,
            token.pos_,
            token.tag_,
            token.dep_,
            token.head.i,
            token.idx,
            token.idx + len(token.text),
            sentence_of[token.i],
        )
        for token in doc
    )
    chunks = tuple(Chunk(chunk.start, chunk.end, chunk.root.i) for chunk in doc.noun_chunks)
    return Parsed(doc.text, tokens, chunks)
