-- What the model must hold, in DuckDB's SQL over the rows that an independent reader accepted.

-- model: records
select 'comma_in_quotes' as file, count(*) as records from spectrum.comma_in_quotes
union all select 'empty' as file, count(*) as records from spectrum.empty
union all select 'empty_crlf' as file, count(*) as records from spectrum.empty_crlf
union all select 'escaped_quotes' as file, count(*) as records from spectrum.escaped_quotes
union all select 'json' as file, count(*) as records from spectrum.json
union all select 'location_coordinates' as file, count(*) as records from spectrum.location_coordinates
union all select 'newlines' as file, count(*) as records from spectrum.newlines
union all select 'newlines_crlf' as file, count(*) as records from spectrum.newlines_crlf
union all select 'quotes_and_newlines' as file, count(*) as records from spectrum.quotes_and_newlines
union all select 'simple' as file, count(*) as records from spectrum.simple
union all select 'simple_crlf' as file, count(*) as records from spectrum.simple_crlf
union all select 'utf8' as file, count(*) as records from spectrum.utf8;
