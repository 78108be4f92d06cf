use std::sync::Arc;

use super::cells::{Syntax, record_of};
use super::dialect::Dialect;
use super::error::SourceError;
use super::opener::{Engine, InputOpener, Opened};
use super::sheet::Sheet;
use super::titles::header_line;
use super::window::Window;
use super::workbook::{Workbook, WorkbookError};

impl InputOpener<'_> {
    pub(super) fn sheet(&self, mut window: Window) -> Result<Opened, SourceError> {
        let named = |failure: WorkbookError| match failure.named(&self.origin.name) {
            Ok(error) => error,
            Err(error) => self.origin.io(error),
        };
        let (mut sheet, note) = self.find_sheet(&mut window).map_err(named)?;
        let header_below = match self.settings.header {
            true => header_line(
                &sheet
                    .first_rows()
                    .map_err(|f| self.origin.engine_error(f))?,
            ),
            false => None,
        };
        let (header, names) = if self.settings.header {
            let names = sheet
                .read_header()
                .map_err(|f| self.origin.engine_error(f))?;
            let names = names.ok_or_else(|| self.empty())?;
            self.check_names(&names)
                .map_err(|error| self.or_header_below(error, header_below))?;
            (Some(record_of(&names, Syntax::quoted(b','))), names)
        } else {
            (None, self.given_columns()?)
        };
        sheet.name_columns(names);
        let columns = sheet.columns().names().to_vec();
        let dialect = Dialect::of_sheet(header, columns, sheet.reserved().to_vec());
        Ok(Opened {
            columns: Arc::clone(sheet.columns()),
            header_below,
            engine: Engine::Sheet(Box::new(sheet)),
            dialect,
            notes: vec![note],
        })
    }

    /// Finds the sheet of the settings, or else the first one, and the note that names it. Fails if the first one is not a table
    /// and there are others.
    fn find_sheet(&self, window: &mut Window) -> Result<(Sheet, String), WorkbookError> {
        let named = self.settings.sheet.as_deref();
        let mut workbook = Workbook::open(window)?;
        let name = workbook.choose(named)?;
        let (mut sheet, looks) = Sheet::open(&mut workbook, &name)?;
        sheet.set_rules(self.settings.trim, self.settings.skip_lines);
        let first_rows = sheet.first_rows().unwrap_or_default();
        // A title above a table is reported with the header.
        let is_titled = self.settings.skip_lines > 0 || header_line(&first_rows).is_some();
        let is_table = looks.is_table() || is_titled || !self.settings.header;
        if named.is_none() && workbook.has_other_sheets() && (looks.is_empty() || !is_table) {
            return Err(WorkbookError::NoTable(name, workbook.listed()?));
        }
        match looks.is_empty() {
            true => Err(WorkbookError::Empty),
            false => Ok((sheet, workbook.note(&name))),
        }
    }
}
