//! Opens protos with every reference to another package made absolute.
//!
//! protox resolves a relative name such as `common.ratelimit.v3.X` among all packages it has ever seen, protoc
//! only among those of the file's imports. Envoy's tree relies on the latter: `envoy.extensions.common` is meant,
//! `envoy.extensions.filters.common`, nearer but not imported, would be found.

use std::path::{Path, PathBuf};

use protox::Error;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use protox::prost_reflect::prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

/// Finds files under the include roots, the first root first.
pub(crate) struct Protos(ChainFileResolver);

impl Protos {
    pub(crate) fn new(roots: &[PathBuf]) -> Self {
        let mut chain = ChainFileResolver::new();
        for root in roots {
            chain.add(IncludeFileResolver::new(root.clone()));
        }
        chain.add(GoogleFileResolver::new());
        Protos(chain)
    }
}

impl FileResolver for Protos {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        self.0.resolve_path(path)
    }

    fn open_file(&self, name: &str) -> Result<File, Error> {
        let mut file = FileDescriptorProto::from(self.0.open_file(name)?);
        let scope = Scope { package: file.package().to_owned(), imported: packages(&file.dependency) };
        file.message_type.iter_mut().for_each(|message| scope.qualify_message(message));
        file.extension.iter_mut().for_each(|field| scope.qualify_field(field));
        for method in file.service.iter_mut().flat_map(|service| &mut service.method) {
            scope.qualify(&mut method.input_type);
            scope.qualify(&mut method.output_type);
        }
        Ok(File::from_file_descriptor_proto(file))
    }
}

/// The packages of imported files. In all of the trees the folder is named like the package.
fn packages(imports: &[String]) -> Vec<String> {
    imports.iter().filter_map(|file| Some(file.rsplit_once('/')?.0.replace('/', "."))).collect()
}

/// What a name in one file can refer to.
struct Scope {
    package: String,
    imported: Vec<String>,
}

impl Scope {
    fn qualify_message(&self, message: &mut DescriptorProto) {
        message.field.iter_mut().chain(&mut message.extension).for_each(|field| self.qualify_field(field));
        message.nested_type.iter_mut().for_each(|nested| self.qualify_message(nested));
    }

    fn qualify_field(&self, field: &mut FieldDescriptorProto) {
        self.qualify(&mut field.type_name);
    }

    /// Tries the enclosing packages from the inside out, as protoc does. Names without a package are left alone.
    fn qualify(&self, name: &mut Option<String>) {
        let Some(relative) = name.as_deref().filter(|name| !name.starts_with('.')) else { return };
        let Some(type_at) = relative.find(|c: char| c.is_ascii_uppercase()) else { return };
        let Some(package) = relative[..type_at].strip_suffix('.') else { return };
        let mut enclosing = self.package.as_str();
        loop {
            let candidate = if enclosing.is_empty() { package.to_owned() } else { format!("{enclosing}.{package}") };
            if self.imported.contains(&candidate) {
                *name = Some(format!(".{candidate}.{}", &relative[type_at..]));
                return;
            }
            if enclosing.is_empty() {
                return;
            }
            enclosing = enclosing.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}
