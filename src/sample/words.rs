//! The words that names are made of: people and towns by country, goods by category.

/// People and towns of one country.
#[derive(Debug)]
pub(super) struct Locale {
    /// ISO 3166-1 alpha-2.
    pub(super) country: &'static str,
    pub(super) weight: u64,
    pub(super) first_names: &'static [&'static str],
    pub(super) last_names: &'static [&'static str],
    pub(super) cities: &'static [&'static str],
}

/// Goods of one kind.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) name: &'static str,
    pub(super) weight: u64,
    /// The lowest and the highest price, in whole units of the currency.
    pub(super) prices: (u64, u64),
    pub(super) qualities: &'static [&'static str],
    pub(super) nouns: &'static [&'static str],
    /// Sizes and colours, which many names end with.
    pub(super) variants: &'static [&'static str],
}

pub(super) const DOMAINS: [&str; 6] =
    ["example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example"];

pub(super) const LOCALES: [Locale; 14] = [
    Locale {
        country: "US",
        weight: 30,
        first_names: &[
            "James",
            "Mary",
            "Robert",
            "Linda",
            "Michael",
            "Barbara",
            "William \"Bill\"",
            "Elizabeth",
            "Mary-Jane",
            "Shaniqua",
        ],
        last_names: &[
            "Smith",
            "Johnson",
            "O'Brien",
            "Williams",
            "Garcia",
            "Davis",
            "Martinez",
            "King, Jr.",
            "Nguyen",
            "Washington",
        ],
        cities: &[
            "New York",
            "Los Angeles",
            "Chicago",
            "Washington, DC",
            "Coeur d'Alene",
            "St. Louis",
            "San José",
        ],
    },
    Locale {
        country: "DE",
        weight: 14,
        first_names: &["Jürgen", "Anja", "Björn", "Käthe", "Lukas", "Sophie", "Hans-Peter", "Mia"],
        last_names: &["Müller", "Schmidt", "Schröder", "Weiß", "von der Heide", "Becker", "Öztürk"],
        cities: &["Berlin", "München", "Köln", "Frankfurt (Main)", "Düsseldorf", "Görlitz"],
    },
    Locale {
        country: "GB",
        weight: 12,
        first_names: &["Oliver", "Amelia", "Siân", "Harry", "Isla", "Rhys", "Niamh"],
        last_names: &["Taylor", "Brown", "MacDonald", "Evans", "Patel", "Hughes", "St John-Smythe"],
        cities: &["London", "Manchester", "Kingston upon Hull", "Stoke-on-Trent", "Leeds", "Bath"],
    },
    Locale {
        country: "FR",
        weight: 9,
        first_names: &["Hélène", "Jean-Luc", "Chloé", "François", "Zoé", "Loïc", "Anaïs"],
        last_names: &["Lefèvre", "Dubois", "d'Aubigné", "Moreau", "Béranger", "Le Goff", "Garnier"],
        cities: &["Paris", "L'Haÿ-les-Roses", "Saint-Étienne", "Orléans", "Nîmes", "Lyon"],
    },
    Locale {
        country: "ES",
        weight: 6,
        first_names: &["José", "María", "Íñigo", "Lucía", "Begoña", "Álvaro"],
        last_names: &["García López", "Núñez", "Fernández", "Ibáñez", "Muñoz", "Sánchez"],
        cities: &["Madrid", "A Coruña", "Cádiz", "Sevilla", "Barcelona", "San Sebastián"],
    },
    Locale {
        country: "IT",
        weight: 5,
        first_names: &["Niccolò", "Giulia", "Francesco", "Chiara", "Matteo"],
        last_names: &["Rossi", "D'Angelo", "Esposito", "De Luca", "Nicolò"],
        cities: &["Roma", "Milano", "Forlì", "Reggio nell'Emilia", "Napoli"],
    },
    Locale {
        country: "NL",
        weight: 4,
        first_names: &["Daan", "Sanne", "Jan-Willem", "Noor", "Zoë"],
        last_names: &["de Vries", "van den Berg", "'t Hooft", "Jansen", "IJsselstein"],
        cities: &["Amsterdam", "'s-Hertogenbosch", "Den Haag", "Utrecht", "Súdwest-Fryslân"],
    },
    Locale {
        country: "PL",
        weight: 4,
        first_names: &["Łukasz", "Małgorzata", "Paweł", "Agnieszka", "Żaneta"],
        last_names: &["Kowalski", "Wiśniewska", "Dąbrowski", "Zieliński", "Brzęczyszczykiewicz"],
        cities: &["Warszawa", "Łódź", "Kraków", "Gdańsk", "Bielsko-Biała"],
    },
    Locale {
        country: "SE",
        weight: 3,
        first_names: &["Åsa", "Björn", "Märta", "Gösta", "Elin"],
        last_names: &["Andersson", "Sjöström", "Åkesson", "Lindqvist", "Östberg"],
        cities: &["Stockholm", "Göteborg", "Malmö", "Umeå", "Västerås"],
    },
    Locale {
        country: "BR",
        weight: 4,
        first_names: &["João", "Conceição", "Thaís", "Antônio", "Luíza"],
        last_names: &["da Silva", "Gonçalves", "Araújo", "dos Santos", "Magalhães"],
        cities: &["São Paulo", "Rio de Janeiro", "Brasília", "Maceió", "Belém"],
    },
    Locale {
        country: "CA",
        weight: 4,
        first_names: &["Liam", "Noémie", "Olivia", "Étienne", "Aiyana"],
        last_names: &["Tremblay", "Gagnon", "MacLeod", "Singh", "Côté"],
        cities: &["Toronto", "Montréal", "Québec", "St. John's", "Saint-Louis-du-Ha! Ha!"],
    },
    Locale {
        country: "JP",
        weight: 3,
        first_names: &["太郎", "花子", "さくら", "健一", "美咲"],
        last_names: &["田中", "鈴木", "佐藤", "髙橋", "渡邉"],
        cities: &["東京", "大阪", "京都市", "札幌", "つくば"],
    },
    Locale {
        country: "GR",
        weight: 1,
        first_names: &["Γιώργος", "Ελένη", "Νίκος", "Σοφία"],
        last_names: &["Παπαδόπουλος", "Νικολάου", "Γεωργίου"],
        cities: &["Αθήνα", "Θεσσαλονίκη", "Πάτρα"],
    },
    Locale {
        country: "IN",
        weight: 1,
        first_names: &["Aarav", "Priya", "Venkatanarasimharajuvaripeta", "Ananya"],
        last_names: &["Sharma", "Iyer", "D'Souza", "Khan"],
        cities: &["Mumbai", "Bengaluru", "नई दिल्ली", "Pune"],
    },
];

pub(super) const BRANDS: [&str; 16] = [
    "Halden",
    "Ålesund",
    "Norrland",
    "Kestrel",
    "Maison Béa",
    "O'Hara",
    "Brightwell",
    "Tamarind",
    "Casa Niño",
    "Ferro & Figli",
    "Juniper",
    "Wolff",
    "Pixel8",
    "Lumière",
    "Harbour",
    "Zephyr",
];

pub(super) const CATEGORIES: [Category; 9] = [
    Category {
        name: "Electronics",
        weight: 16,
        prices: (9, 1_499),
        qualities: &["Wireless", "Smart", "Compact", "Pro", "4K"],
        nouns: &[
            "Headphones",
            "24\" Monitor",
            "Keyboard",
            "Router",
            "Tablet",
            "Speaker",
            "Charger",
        ],
        variants: &["black", "white", "27\"", "USB-C", "\"Classic\" edition"],
    },
    Category {
        name: "Home & Kitchen",
        weight: 18,
        prices: (4, 299),
        qualities: &["Ceramic", "Stainless", "Classic", "Cast-Iron", "Bamboo"],
        nouns: &["Crème Brûlée Set", "Kettle", "Knife", "Mug", "Pan, 28 cm", "Duvet", "Lamp"],
        variants: &["Ø 24 cm", "set of 4", "½ l", "white"],
    },
    Category {
        name: "Books",
        weight: 17,
        prices: (3, 59),
        qualities: &["Illustrated", "Pocket", "Annotated", "Complete", "Signed"],
        nouns: &["Atlas", "Novel", "Cookbook", "\"How To\" Guide", "Poems, Vol. 2", "Biography"],
        variants: &["paperback", "2nd ed.", "\"Classic\" edition", "large print"],
    },
    Category {
        name: "Clothing",
        weight: 16,
        prices: (7, 199),
        qualities: &["Merino", "Linen", "Recycled", "Slim-Fit", "Quilted"],
        nouns: &["Sweater", "T-Shirt", "Jacket", "Socks", "Scarf", "Jeans"],
        variants: &["size S", "size M", "size XL", "navy", "34\" long"],
    },
    Category {
        name: "Toys & Games",
        weight: 10,
        prices: (5, 129),
        qualities: &["Wooden", "Magnetic", "Junior", "Giant", "Travel"],
        nouns: &["Puzzle, 1,000 pieces", "Railway", "Chess Set", "Dinosaur", "Kite"],
        variants: &["ages 3+", "ages 8+", "2–4 players", "red"],
    },
    Category {
        name: "Beauty",
        weight: 8,
        prices: (3, 89),
        qualities: &["Organic", "Gentle", "Overnight", "Matte", "Vitamin C"],
        nouns: &["Shampoo", "Serum", "Lip Balm", "Après-Soleil", "Soap"],
        variants: &["50 ml", "250 ml", "set of 3", "unscented"],
    },
    Category {
        name: "Sports & Outdoors",
        weight: 8,
        prices: (6, 699),
        qualities: &["Ultralight", "Trail", "Alpine", "Foldable", "Women's"],
        nouns: &["Tent", "Backpack 45 l", "Yoga Mat", "Bike Helmet", "Dumbbell"],
        variants: &["size M", "5'10\"", "blue", "2 kg"],
    },
    Category {
        name: "Garden",
        weight: 4,
        prices: (4, 449),
        qualities: &["Galvanised", "Terracotta", "Cordless", "Solar", "Heirloom"],
        nouns: &["Watering Can", "Hedge Trimmer", "Planter", "Jalapeño Seeds", "Rake"],
        variants: &["Ø 30 cm", "1.5 m", "terracotta", "set of 6"],
    },
    Category {
        name: "Grocery",
        weight: 3,
        prices: (1, 39),
        qualities: &["Fair-Trade", "Smoked", "Extra-Virgin", "Wild", "Salted"],
        nouns: &["Coffee", "Olive Oil", "Jamón", "Almonds", "Tea, loose"],
        variants: &["250 g", "½ l", "1 kg", "\"Reserva\""],
    },
];

/// A name as it stands in an address for mail: letters of ASCII only.
pub(super) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' => folded.push(letter),
            'ä' | 'æ' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            'á' | 'à' | 'â' | 'ã' | 'å' | 'ą' => folded.push('a'),
            'ç' | 'ć' => folded.push('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => folded.push('e'),
            'í' | 'ì' | 'î' | 'ï' => folded.push('i'),
            'ł' => folded.push('l'),
            'ñ' | 'ń' => folded.push('n'),
            'ó' | 'ò' | 'ô' | 'õ' => folded.push('o'),
            'ś' => folded.push('s'),
            'ú' => folded.push('u'),
            'ÿ' => folded.push('y'),
            'ż' | 'ź' => folded.push('z'),
            _ => {}
        }
    }
    if folded.is_empty() { "shopper".to_owned() } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses() {
        let folded = ["Jürgen", "Brzęczyszczykiewicz", "King, Jr.", "髙橋", "d'Aubigné"].map(fold);
        assert_eq!(folded, ["juergen", "brzeczyszczykiewicz", "kingjr", "shopper", "daubigne"]);
    }

    #[test]
    fn every_list_has_something_to_pick() {
        for locale in &LOCALES {
            assert!(locale.weight > 0 && locale.country.len() == 2, "{}", locale.country);
            let lists = [locale.first_names, locale.last_names, locale.cities];
            assert!(lists.iter().all(|list| !list.is_empty()), "{}", locale.country);
        }
        for category in &CATEGORIES {
            assert!(category.prices.0 < category.prices.1, "{}", category.name);
            let lists = [category.nouns, category.qualities, category.variants];
            assert!(lists.iter().all(|list| !list.is_empty()), "{}", category.name);
        }
    }
}
