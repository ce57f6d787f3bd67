"""A chat template for text models that have none: base models, and converted files that lost it.

Each turn stands under its role's name. A base model was never taught to answer so; it may go on
with a turn of the other side, which is why whoever takes this template says that it did.
"""

from __future__ import annotations

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: "
    "{{ message['content'] | trim }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
