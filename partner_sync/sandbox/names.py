"""Names of companies and people that could be true, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

_FIRST_WORDS = """
Aalto Abendroth Achterberg Adlerhorst Alcántara Amberley Ångström Aquila Arden Ashgrove Atlas Aurelia Balmoral Barós
Beaumont Bellweather Bergström Blackwood Boréal Brännö Brightwater Calder Camões Cascadia Castellane Čapek Clearwell
Coldharbour Corvus Côté Dalgaard Delacroix Dovetail Dunmore Düsterwald Eastgate Eichhorn Elbrus Ellesmere Engström
Everhart Fährmann Fairchild Falkenberg Fjellstad Florès Foxglove Galloway Gärtner Glenmore Grünwald Halcyon Hallström
Hartmann Hawthorne Helios Hjelm Höfer Ibarra Ingleby Ironbridge Jägermeyer Juniper Kestrel Kjær Königsberg Kowalczyk
Lakeshore Larkspur Lindqvist Löwenthal Łódź Marlowe Meridian Mezőfi Müller Nakatomi Nordwind Núñez Oakhurst Østergaard
Palisade Pemberton Perrault Quillfeather Quistgaard Ravenscroft Redfern Rosenthal Saltmarsh São Schönfeld Silverpine
Škoda Solberg Stonehaven Strömberg Tamarack Thornbury Tideway Überlingen Umbria Valmont Vásquez Västerås Waldmeister
Westbrook Whitlock Wieczorek Yarrow Žižka Zürcher
"""
_SECOND_WORDS = """
Analytics Automation Biotech Capital Cloud Components Computing Consulting Controls Data Defense Diagnostics Digital
Dynamics Electronics Energy Engineering Foods Foundry Freight Genomics Health Hosting Imaging Industries Informatics
Infrastructure Insights Instruments Integration Interactive Labs Learning Logistics Manufacturing Maritime Materials
Media Mobility Motion Networks Optics Orbital Pharma Photonics Platforms Power Precision Publishing Research Robotics
Security Semiconductor Services Signal Software Solutions Steel Storage Studios Supply Systems Telecom Textiles
Therapeutics Trading Transit Ventures Water Works
"""
_FORM = (
    "GmbH", "AG", "Inc.", "LLC", "Ltd", "S.A.", "B.V.", "AB", "Oy", "A/S", "S.p.A.", "SAS", "Pty Ltd", "& Co. KG",
    "& Söhne", "& Partners", "Group", "Holding",
)  # fmt: skip
_GIVEN_NAMES = """
Ada Agnieszka Aiko Amélie Anders Björn Carmen Chloé Dariusz Eleanor Émile Fatima François Greta Hannah Haruto Inés Jörg
José Jürgen Kasia Lars Leïla Łukasz Marguerite Mateo Mei Niamh Noah Olivia Øyvind Priya Rafael Renée Sanjay Siobhán
Sofía Søren Tomáš Uwe Václav Wei Xochitl Yuki Zoë
"""
_FAMILY_NAMES = """
Abramović Ahlgren Andersson Bélanger Brontë Castillo Chen Čermák Dąbrowska Devi Díaz Dubois Eriksen Fernández Fitzgerald
García Großmann Gupta Hashimoto Hoffmann Ibrahim Jansen Jørgensen Kaur Kim Kovács Kröger Lefèvre Lindholm MacLeod
Martínez Nguyễn Novák O'Brien O'Neill Okafor Peña Petrov Quispe Rossi Sánchez Schäfer Silva Sørensen Tanaka Ümit Valdés
Wójcik Yamamoto Zhang
"""
_FIRST, _SECOND = _FIRST_WORDS.split(), _SECOND_WORDS.split()
_GIVEN, _FAMILY = _GIVEN_NAMES.split(), _FAMILY_NAMES.split()


def company_names(seed: int) -> Iterator[str]:
    """Company names without end, none twice, also when case is ignored."""
    total = len(_FIRST) * len(_SECOND) * len(_FORM)
    # A prime that divides none of the three numbers visits every combination once, in an order that looks random.
    stride = 50_021
    start = random.Random(seed).randrange(total)  # noqa: S311 - nothing here is secret
    lap = 0
    while True:
        lap += 1
        for step in range(total):
            number = (start + step * stride) % total
            number, form = divmod(number, len(_FORM))
            first, second = divmod(number, len(_SECOND))
            name = f"{_FIRST[first]} {_SECOND[second]} {_FORM[form]}"
            yield name if lap == 1 else f"{name} {lap}"


def person_name(chance: random.Random) -> str:
    """A person's name."""
    return f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}"
